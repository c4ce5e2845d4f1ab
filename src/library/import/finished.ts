import { Clock, Effect } from "effect"
import type { FinishedJob } from "../../jobs/JobKinds.ts"
import type { Transaction } from "../../persistence/Database.ts"
import type { ImportOptions } from "./ImportOptions.ts"

const setStatus = Effect.fnUntraced(function* (tx: Transaction, trackId: string | null, status: string) {
  yield* tx.execute("update track set status = $2, version = version + 1, updated_at = $3 where id = $1", [trackId, status, new Date(yield* Clock.currentTimeMillis)])
})

export const importRetried = (tx: Transaction, job: { readonly trackId: string | null }) => setStatus(tx, job.trackId, "PENDING")

export const importStarted = (tx: Transaction, job: { readonly trackId: string | null }) => setStatus(tx, job.trackId, "PROCESSING")

/** A track whose import came to nothing keeps its name and nothing else: no file, no fingerprint, no claim on the content. */
export const importFinished = Effect.fnUntraced(function* (tx: Transaction, job: FinishedJob<ImportOptions>) {
  if (job.status === "SUCCEEDED") return yield* setStatus(tx, job.trackId, "READY")
  yield* tx.execute("delete from artifact where track_id = $1 and job_id = $2", [job.trackId, job.jobId])
  yield* tx.execute("delete from fingerprint where track_id = $1", [job.trackId])
  yield* tx.execute("update track set content_hash = null where id = $1", [job.trackId])
  yield* setStatus(tx, job.trackId, "FAILED")
})
