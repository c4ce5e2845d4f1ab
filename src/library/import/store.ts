import { Clock, Effect, Schema } from "effect"
import { DuplicateTrackError } from "../../domain/errors.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { Transaction } from "../../persistence/Database.ts"
import { rateMetadata } from "../quality.ts"
import type { download } from "./download.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"
import type { readMetadata } from "./metadata.ts"
import type { probeOriginal } from "./probe.ts"

/** Everybody who imports the same bytes passes here one after the other, until the transaction ends. */
export const findSameContent = Effect.fnUntraced(function* (tx: Transaction, contentHash: string, exceptTrackId: string | null) {
  yield* tx.query("select pg_advisory_xact_lock(hashtextextended('track.content_hash:' || $1, 0))", [contentHash])
  const rows = yield* tx.query<{ id: string; title: string }>(
    "select id, title from track where content_hash = $1 and status <> 'FAILED' and id is distinct from $2 order by created_at limit 1",
    [contentHash, exceptTrackId]
  )
  return rows[0]
})

export const sameContent = (original: { readonly id: string; readonly title: string }): DuplicateTrackError =>
  new DuplicateTrackError({
    message: `The library has exactly this file already, as “${original.title}”. Pass allowDuplicate to import it all the same.`,
    trackId: original.id,
    similarity: 1
  })

/** What a client has changed since it asked for the import stays. */
const unlessEdited = (column: string, value: string): string => `case when '${column}' = any(edited) then ${column} else ${value} end`

interface Earlier {
  readonly download: ReturnType<typeof download>
  readonly probe: ReturnType<typeof probeOriginal>
  readonly metadata: ReturnType<typeof readMetadata>
}

/** Makes the file the track's original, unless the library has the same bytes already. */
export const store = (services: ImportServices, earlier: Earlier): StageDefinition<ImportOptions, null> => ({
  name: "STORE",
  weight: 1,
  output: Schema.Null,
  // What it and the stages behind it wrote was taken back when the job failed.
  reuse: () => Effect.succeed(false),
  run: Effect.fnUntraced(function* ({ jobId, options, output, trackId }) {
    const original = output(earlier.download)
    const format = output(earlier.probe)
    const { cover, tags } = output(earlier.metadata)
    const originalId = yield* services.random.uuidV7()
    const coverId = yield* services.random.uuidV7()
    const commit = Effect.fnUntraced(function* (tx: Transaction) {
      if (!options.allowDuplicate) {
        const same = yield* findSameContent(tx, original.sha256, trackId)
        if (same !== undefined) return yield* sameContent(same)
      }
      const now = new Date(yield* Clock.currentTimeMillis)
      // The track may have been deleted meanwhile: then there is nothing to give the file to.
      const tracks = yield* tx.query(
        `update track set
           title = ${unlessEdited("title", "coalesce($2, $3, title)")}, artist = ${unlessEdited("artist", "coalesce($4, $5)")},
           album = ${unlessEdited("album", "coalesce($6, $7)")}, album_artist = ${unlessEdited("album_artist", "$8")},
           genres = ${unlessEdited("genres", "$9::text[]")}, year = ${unlessEdited("year", "$10::int")},
           track_number = ${unlessEdited("track_number", "$11::int")}, language = ${unlessEdited("language", "$12")},
           music_brainz_id = $13,
           sample_rate_hz = $14, channels = $15, codec = $16, container = $17, bitrate_bps = $18, size_bytes = $19, content_hash = $20,
           source_filename = coalesce(source_filename, $21), version = version + 1, updated_at = $22
         where id = $1 returning id`,
        [
          trackId, options.title, original.page?.title ?? tags.title, options.artist, original.page?.artist ?? tags.artist, options.album, original.page?.album ?? tags.album, tags.albumArtist, tags.genres,
          tags.year, tags.trackNumber, tags.language, tags.musicBrainzId,
          format.sampleRateHz, format.channels, format.codec, format.container, format.bitrateBps, original.sizeBytes, original.sha256,
          original.filename, now
        ]
      )
      if (tracks.length === 0) return
      const insert = (id: string, role: string, file: { readonly sha256: string; readonly sizeBytes: number; readonly mediaType: string; readonly filename: string | null }) =>
        tx.query(
          `insert into artifact (id, track_id, role, sha256, media_type, size_bytes, filename, job_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [id, trackId, role, file.sha256, file.mediaType, file.sizeBytes, file.filename, jobId, now]
        )
      yield* insert(originalId, "ORIGINAL", { sha256: original.sha256, sizeBytes: original.sizeBytes, mediaType: format.mediaType, filename: original.filename })
      if (cover !== null) yield* insert(coverId, "COVER", { ...cover, filename: null })
      if (trackId !== null) yield* rateMetadata(tx, trackId)
    })
    return { output: null, commit }
  })
})
