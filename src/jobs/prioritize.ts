import { Effect } from "effect"
import { ConflictError, NotFoundError } from "../domain/errors.ts"
import { isTerminal } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"
import { lockJob, writeJob } from "./jobLog.ts"
import type { Queue } from "./Queue.ts"

/** See `Jobs.prioritize`. */
export const prioritizeJob = Effect.fnUntraced(function*(tx: Transaction, queue: Queue["Service"], jobId: string, priority: number) {
  const job = yield* lockJob(tx, jobId)
  if (job === undefined) return yield* new NotFoundError({ message: "There is no such job.", id: jobId })
  if (isTerminal(job.status) || job.status === "CANCELLING") {
    return yield* new ConflictError({ message: `The job is ${job.status}: it waits for nothing any more.`, jobStatus: job.status })
  }
  yield* writeJob(tx, job, { priority }, [])
  yield* queue.prioritize(tx, jobId, priority)
})
