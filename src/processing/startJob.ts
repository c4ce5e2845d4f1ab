/** How work on a track's audio is asked for. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { ConflictError, IdempotencyConflictError, NotFoundError } from "../domain/errors.ts"
import type { JobKind } from "../domain/Job.ts"
import type { TrackStatus } from "../domain/Track.ts"
import { Jobs } from "../jobs/Jobs.ts"
import { Database } from "../persistence/Database.ts"

export interface JobRequest {
  readonly kind: JobKind
  /** A bare uuid. */
  readonly trackId: string
  /** As the kind's schema has them, decoded. */
  readonly options: object
  readonly idempotencyKey: string | undefined
}

export interface StartedJob {
  readonly jobId: string
  /** Nothing was done: the same request was answered before under this idempotency key. */
  readonly replayed: boolean
}

/** Submits jobs on tracks that are ready; under a known idempotency key, the first answer again. */
export const jobStarter = Effect.gen(function* () {
  const database = yield* Database
  const jobs = yield* Jobs
  return Effect.fn("processing.startJob")((request: JobRequest) => {
    const { idempotencyKey: key, kind, options, trackId } = request
    const inputHash = createHash("sha256").update(JSON.stringify([kind, trackId, options])).digest("hex")
    return database.transaction((tx) =>
      Effect.gen(function* () {
        const earlier = key === undefined ? undefined : yield* jobs.submittedUnder(tx, key)
        if (earlier !== undefined) {
          if (earlier.inputHash === inputHash) return { jobId: earlier.jobId, replayed: true } satisfies StartedJob
          return yield* new IdempotencyConflictError({
            message: "This idempotency key was used before with another input. Use a new key for a new request.",
            jobId: earlier.jobId
          })
        }
        const [track] = yield* tx.query<{ status: TrackStatus }>("select status from track where id = $1 for share", [trackId])
        if (track === undefined) return yield* new NotFoundError({ message: "There is no such track.", id: trackId })
        if (track.status !== "READY") {
          return yield* new ConflictError({ message: `The track is ${track.status}. Only one that is READY can be worked on: see what became of its import.` })
        }
        const jobId = yield* jobs.submit(tx, {
          kind,
          options,
          trackId,
          priority: "NORMAL",
          idempotency: key === undefined ? undefined : { key, inputHash }
        })
        return { jobId, replayed: false } satisfies StartedJob
      })
    )
  })
})
