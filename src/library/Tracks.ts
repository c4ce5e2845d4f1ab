/** What becomes of tracks once they are in the library: described otherwise, and deleted. */
import { Clock, Context, Effect, Layer } from "effect"
import { ConflictError, NotFoundError } from "../domain/errors.ts"
import type { JobStatus } from "../domain/Job.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { rateMetadata } from "./quality.ts"

/** What is not given stays as it is; null takes it away. Validated by whoever calls: see graphql/library. */
export interface TrackChanges {
  readonly title?: string | undefined
  readonly artist?: string | null | undefined
  readonly album?: string | null | undefined
  readonly albumArtist?: string | null | undefined
  readonly genres?: ReadonlyArray<string> | undefined
  readonly year?: number | null | undefined
  readonly trackNumber?: number | null | undefined
  readonly tags?: ReadonlyArray<string> | undefined
  readonly language?: string | null | undefined
}

const columns: { readonly [Name in keyof Required<TrackChanges>]: string } = {
  title: "title",
  artist: "artist",
  album: "album",
  albumArtist: "album_artist",
  genres: "genres",
  year: "year",
  trackNumber: "track_number",
  tags: "tags",
  language: "language"
}

const noSuchTrack = (id: string) => new NotFoundError({ message: "There is no such track.", id })

/** Everybody who changes a track passes here one after the other. */
const lockTrack = Effect.fnUntraced(function* (tx: Transaction, id: string) {
  const rows = yield* tx.query<{ version: number }>("select version from track where id = $1 for update", [id])
  return rows[0] ?? (yield* noSuchTrack(id))
})

/** Ids are bare uuids. */
export class Tracks extends Context.Service<Tracks, {
  /** Changes how a track is described, provided that its version is the one that is named, if one is. */
  readonly update: (id: string, changes: TrackChanges, version: number | null) => Effect.Effect<void, NotFoundError | ConflictError>
  /** Deletes a track that no job works on, with everything that belongs to it. Files go when nothing else refers to them. */
  readonly remove: (id: string) => Effect.Effect<void, NotFoundError | ConflictError>
}>()("playhead/library/Tracks") {
  static readonly layer = Layer.effect(
    Tracks,
    Effect.gen(function* () {
      const database = yield* Database
      const blobs = yield* Blobs

      const change = Effect.fnUntraced(function* (tx: Transaction, id: string, changes: TrackChanges, version: number | null) {
        const track = yield* lockTrack(tx, id)
        if (version !== null && version !== track.version) {
          return yield* new ConflictError({
            message: `The track has changed since you read it: it is at version ${track.version}, not ${version}. Read it again and decide anew.`,
            version: track.version
          })
        }
        const given = Object.entries(columns).flatMap(([name, column]) => {
          const value = changes[name as keyof TrackChanges]
          return value === undefined ? [] : [{ column, value }]
        })
        if (given.length === 0) return
        yield* tx.query(
          `update track set ${given.map(({ column }, index) => `${column} = $${index + 4}`).join(", ")},
             edited = array(select distinct unnest(edited || $2::text[]) order by 1), version = version + 1, updated_at = $3
           where id = $1`,
          [id, given.map(({ column }) => column), new Date(yield* Clock.currentTimeMillis), ...given.map(({ value }) => value)]
        )
        yield* rateMetadata(tx, id)
      })

      const remove = Effect.fnUntraced(function* (tx: Transaction, id: string) {
        yield* lockTrack(tx, id)
        const jobs = yield* tx.query<{ id: string; status: JobStatus; kind: string; holds: boolean }>(
          `select id, status, kind, exists (select 1 from job_blob h where h.job_id = job.id) as holds from job where track_id = $1 order by id`,
          [id]
        )
        const active = jobs.find(({ status }) => status !== "SUCCEEDED" && status !== "FAILED" && status !== "CANCELLED")
        if (active !== undefined) {
          return yield* new ConflictError({
            message: active.status === "CANCELLING"
              ? `A job (${active.kind}) of the track is being cancelled. Delete the track once that has ended.`
              : `A job (${active.kind}) works on the track. Cancel it and wait for its end, or let it finish.`,
            jobStatus: active.status
          })
        }
        const files = yield* tx.query<{ sha256: string }>(
          `select sha256 from artifact where track_id = $1
           union select w.sha256 from waveform w join artifact a on a.id = w.artifact_id where a.track_id = $1`,
          [id]
        )
        // A job that failed keeps its files for another try, which would have nothing to work on.
        for (const job of jobs) if (job.holds) yield* blobs.release(tx, job.id)
        yield* tx.query("delete from track where id = $1", [id])
        yield* tx.afterCommit(blobs.collect(files.map(({ sha256 }) => sha256)))
      })

      return Tracks.of({
        update: Effect.fn("Tracks.update")((id, changes, version) => database.transaction((tx) => change(tx, id, changes, version))),
        remove: Effect.fn("Tracks.remove")((id) => database.transaction((tx) => remove(tx, id)))
      })
    })
  )
}
