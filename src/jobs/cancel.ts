import { Effect, Schema } from "effect"
import { ConflictError, NotFoundError } from "../domain/errors.ts"
import { isTerminal, type JobKind } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { JobServices } from "./Claim.ts"
import { endCancelledJob } from "./ending.ts"
import type { AnyJobKind } from "./JobKinds.ts"
import { controlChannel, lockJob, writeJob } from "./jobLog.ts"

/** See `Jobs.cancel`. */
export const cancelJob = Effect.fnUntraced(function*(tx: Transaction, services: JobServices, kinds: ReadonlyMap<JobKind, AnyJobKind>, jobId: string) {
  const job = yield* lockJob(tx, jobId)
  if (job === undefined) return yield* new NotFoundError({ message: "There is no such job.", id: jobId })
  if (job.status === "CANCELLED" || job.status === "CANCELLING") return
  if (isTerminal(job.status)) {
    return yield* new ConflictError({ message: `The job has ended already, as ${job.status}: there is nothing to cancel.`, jobStatus: job.status })
  }
  const definition = kinds.get(job.kind)
  if (job.status === "RUNNING" || definition === undefined) {
    yield* writeJob(tx, job, { status: "CANCELLING", cancel_requested_at: job.now }, [])
    return yield* tx.notify(controlChannel, jobId)
  }
  // Nobody works on it: whoever takes its entry at this moment waits for this transaction, and finds it ended.
  yield* services.queue.withdraw(tx, jobId)
  const options: unknown = yield* Schema.decodeUnknownEffect(definition.options)(job.options).pipe(Effect.orDie)
  yield* endCancelledJob(tx, services, { job, definition, options })
})
