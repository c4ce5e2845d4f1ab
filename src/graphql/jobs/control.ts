import { Effect } from "effect"
import { ConflictError, IdempotencyConflictError, NotFoundError } from "../../domain/errors.ts"
import { Jobs } from "../../jobs/Jobs.ts"
import { answer, failsWith, present } from "../bridge.ts"
import { builder } from "../builder.ts"
import { JobPriorityEnum, StageNameEnum } from "../enums.ts"
import { byId } from "../ids.ts"
import { JobRef } from "./JobRef.ts"
import { JobStartSuccess } from "./jobStart.ts"

const JobSuccess = builder.objectRef<{ readonly jobId: string }>("JobSuccess").implement({
  description: "The job was changed as asked.",
  fields: (t) => ({
    job: t.field({ type: JobRef, description: "As it stands now.", resolve: ({ jobId }, _, { loaders }) => present(loaders.job.load(jobId)) })
  })
})

const changeFailures = [NotFoundError, ConflictError] as const
const retryFailures = [NotFoundError, ConflictError, IdempotencyConflictError] as const

builder.mutationFields((t) => ({
  jobCancel: t.field({
    type: JobSuccess,
    scope: "WRITE",
    description: "Asks for a job's end. One that waits is CANCELLED at once; one that is worked on is CANCELLING until nothing of it runs any more, then CANCELLED. Asking twice changes nothing.",
    errors: failsWith(changeFailures, "JobCancelResult", "What `jobCancel` comes to."),
    args: { id: t.arg.id({ required: true, description: "Of the job." }) },
    resolve: answer(changeFailures, (_root, { id }: { readonly id: string }) =>
      byId("Job", id, (jobId) => Effect.flatMap(Jobs, (jobs) => Effect.as(jobs.cancel(jobId), { jobId }))))
  }),
  jobRetry: t.field({
    type: JobStartSuccess,
    scope: "WRITE",
    description: "Tries a failed or cancelled job again, as a new one with the options of the first: from the stage that failed, or from an earlier one. Stages before it are REUSED as far as what they found is still there. While such a job is under way, the same request answers with that one.",
    errors: failsWith(retryFailures, "JobRetryResult", "What `jobRetry` comes to."),
    args: {
      id: t.arg.id({ required: true, description: "Of the job that ended." }),
      fromStage: t.arg({ type: StageNameEnum, description: "The stage to begin with; the one that failed unless given." })
    },
    resolve: answer(retryFailures, (_root, { fromStage, id }: { readonly id: string; readonly fromStage?: typeof StageNameEnum.$inferInput | null | undefined }) =>
      byId("Job", id, (jobId) => Effect.flatMap(Jobs, (jobs) => jobs.retry(jobId, fromStage ?? null))))
  }),
  jobPrioritize: t.field({
    type: JobSuccess,
    scope: "WRITE",
    description: "Moves a job forward or back among those that wait. One that is worked on goes on, and keeps the priority for the next time that it waits.",
    errors: failsWith(changeFailures, "JobPrioritizeResult", "What `jobPrioritize` comes to."),
    args: {
      id: t.arg.id({ required: true, description: "Of the job." }),
      priority: t.arg({ type: JobPriorityEnum, required: true, description: "Which jobs it is to go before." })
    },
    resolve: answer(changeFailures, (_root, { id, priority }: { readonly id: string; readonly priority: typeof JobPriorityEnum.$inferInput }) =>
      byId("Job", id, (jobId) => Effect.flatMap(Jobs, (jobs) => Effect.as(jobs.prioritize(jobId, priority), { jobId }))))
  })
}))
