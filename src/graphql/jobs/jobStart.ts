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
import { answer, refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { idOf } from "../ids.ts"
import type { Services } from "../Services.ts"
import { JobRef } from "./JobRef.ts"

const gone = () => Promise.reject(refusal("NOT_FOUND", "It was deleted meanwhile."))

export const JobStartSuccess = builder.objectRef<{ readonly jobId: string; readonly replayed: boolean }>("JobStartSuccess").implement({
  description: "The job is queued.",
  fields: (t) => ({
    job: t.field({ type: JobRef, description: "The new job; watch it with `jobEvents`.", resolve: async ({ jobId }, _, { loaders }) => await loaders.job.load(jobId) ?? gone() }),
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

/** Runs what needs a track's bare id; where there is no such track, the client gets back the id that it sent. */
export const onTrack = <A, E, R>(id: string, use: (trackId: string) => Effect.Effect<A, E | NotFoundError, R>): Effect.Effect<A, E | NotFoundError, R> => {
  const trackId = idOf("Track", id)
  const noSuchTrack = (message: string) => new NotFoundError({ message, id })
  return trackId === undefined
    ? Effect.fail(noSuchTrack("There is no such track."))
    : Effect.mapError(use(trackId), (failure) => (failure instanceof NotFoundError ? noSuchTrack(failure.message) : failure))
}
