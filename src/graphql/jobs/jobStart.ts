/** What every mutation answers with that starts a job on a track. */
import { Effect } from "effect"
import {
  BudgetExceededError,
  ConflictError,
  IdempotencyConflictError,
  InvalidInputError,
  NotConfiguredError,
  NotFoundError,
  RateLimitedError
} from "../../domain/errors.ts"
import { mayStartJob } from "../access/mayStartJob.ts"
import { answer, present } from "../bridge.ts"
import { builder } from "../builder.ts"
import type { Services } from "../Services.ts"
import { JobRef } from "./JobRef.ts"

export const JobStartSuccess = builder.objectRef<{ readonly jobId: string; readonly replayed: boolean }>("JobStartSuccess").implement({
  description: "The job is queued.",
  fields: (t) => ({
    job: t.field({ type: JobRef, description: "The new job; watch it with `jobEvents`.", resolve: ({ jobId }, _, { loaders }) => present(loaders.job.load(jobId)) }),
    replayed: t.exposeBoolean("replayed", { description: "True when the same request was carried out before, and nothing was done now." })
  })
})

const startFailures = [
  InvalidInputError, NotFoundError, ConflictError, NotConfiguredError, IdempotencyConflictError, RateLimitedError, BudgetExceededError
] as const

/** One union for all of them: `type: JobStartResult`, and `startJob(…)` as the resolver. */
export const JobStartResult = builder.errorUnion("JobStartResult", {
  description: "What starting a job comes to.",
  types: [JobStartSuccess, ...startFailures],
  resolveType: () => "JobStartSuccess"
})

/** The resolver of a field that starts a job, from an Effect that submits it: counted against what its viewer may start. */
export const startJob = <Args, A>(submit: (args: Args) => Effect.Effect<A, InstanceType<(typeof startFailures)[number]>, Services>) =>
  answer(startFailures, (_root: unknown, args: Args, context) => Effect.andThen(mayStartJob(context), submit(args)))

export const startDescriptions = {
  track: "Of the track.",
  idempotencyKey: "1 to 200 characters of your choice: the same request under the same key is carried out once, however often it is sent."
}
