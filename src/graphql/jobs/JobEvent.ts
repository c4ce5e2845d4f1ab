import { DateTime } from "effect"
import type { JobEvent, JobEventBody, JobEventTag, StageSnapshot } from "../../domain/JobEvent.ts"
import { refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { QualityTierEnum } from "../enums.ts"
import { ErrorInterface, failureValue } from "../errors/ErrorInterface.ts"
import { JobRef } from "./JobRef.ts"
import { JobStageRef, type StageView } from "./JobStage.ts"

export const JobEventInterface = builder.interfaceRef<JobEvent>("JobEvent").implement({
  description: "One entry of a job's log. Sequences start at 1 and have no gaps; the last entry of a job is its terminal one.",
  resolveType: (event) => event.body._tag,
  fields: (t) => ({
    job: t.field({
      type: JobRef,
      description: "The job as it stands now.",
      resolve: async (event, _, { loaders }) => await loaders.job.load(event.jobId) ?? Promise.reject(refusal("NOT_FOUND", "The job was deleted."))
    }),
    sequence: t.exposeInt("sequence", { description: "Its place in the log, from 1." }),
    at: t.expose("at", { type: "DateTime", description: "When it happened." })
  })
})

const toDate = (instant: DateTime.Utc | null): Date | null => instant === null ? null : DateTime.toDateUtc(instant)

const stageView = (snapshot: StageSnapshot): StageView => ({ ...snapshot, startedAt: toDate(snapshot.startedAt), finishedAt: toDate(snapshot.finishedAt) })

type Body<Tag extends JobEventTag> = Extract<JobEventBody, { readonly _tag: Tag }>
type EventOf<Tag extends JobEventTag> = Omit<JobEvent, "body"> & { readonly body: Body<Tag> }

const eventRef = <Tag extends JobEventTag>(tag: Tag) => builder.objectRef<EventOf<Tag>>(tag)
const described = (description: string) => ({ description, interfaces: [JobEventInterface] })
const stageText = "The stage as it stood then."

eventRef("JobQueuedEvent").implement({ ...described("The job waits for a worker: it was submitted, or given back by a worker that stopped.") })

eventRef("JobStartedEvent").implement({
  ...described("Work on the job has begun, or begun again."),
  fields: (t) => ({ attempt: t.int({ description: "How often it has begun.", resolve: ({ body }) => body.attempt }) })
})

eventRef("StageStartedEvent").implement({
  ...described("A stage has begun."),
  fields: (t) => ({ stage: t.field({ type: JobStageRef, description: stageText, resolve: ({ body }) => stageView(body.stage) }) })
})

eventRef("StageProgressedEvent").implement({
  ...described("A stage has come further. At most twice a second."),
  fields: (t) => ({
    stage: t.field({ type: JobStageRef, description: stageText, resolve: ({ body }) => stageView(body.stage) }),
    progress: t.float({ description: "How much of the stage is done, 0 to 1.", resolve: ({ body }) => body.progress })
  })
})

eventRef("StageRetryingEvent").implement({
  ...described("A stage failed in a way that may pass, and will be tried again."),
  fields: (t) => ({
    stage: t.field({ type: JobStageRef, description: stageText, resolve: ({ body }) => stageView(body.stage) }),
    failure: t.field({ type: ErrorInterface, description: "What went wrong.", resolve: ({ body }) => failureValue(body.failure) }),
    delayMs: t.int({ description: "How long until the next try, in milliseconds.", resolve: ({ body }) => body.delayMs })
  })
})

eventRef("StageDegradedEvent").implement({
  ...described("A method failed and a lesser one takes its place."),
  fields: (t) => ({
    stage: t.field({ type: JobStageRef, description: stageText, resolve: ({ body }) => stageView(body.stage) }),
    from: t.field({ type: QualityTierEnum, description: "The tier that failed.", resolve: ({ body }) => body.from }),
    to: t.field({ type: QualityTierEnum, description: "The tier that takes its place.", resolve: ({ body }) => body.to }),
    failure: t.field({ type: ErrorInterface, description: "Why it failed.", resolve: ({ body }) => failureValue(body.failure) })
  })
})

eventRef("StageSucceededEvent").implement({
  ...described("A stage is done."),
  fields: (t) => ({
    stage: t.field({ type: JobStageRef, description: stageText, resolve: ({ body }) => stageView(body.stage) }),
    reused: t.boolean({ description: "Whether the result of an earlier job was taken over.", resolve: ({ body }) => body.reused })
  })
})

eventRef("JobWaitingEvent").implement({
  ...described("The job waits for something outside and holds no worker meanwhile."),
  fields: (t) => ({
    awaiting: t.string({ description: "What is awaited, such as `retry` or `webhook`.", resolve: ({ body }) => body.awaiting }),
    until: t.field({ type: "DateTime", nullable: true, description: "When it goes on at the latest.", resolve: ({ body }) => toDate(body.until) })
  })
})

eventRef("JobSucceededEvent").implement({
  ...described("The job is done. Terminal."),
  fields: (t) => ({ degraded: t.boolean({ description: "Whether a stage fell back to a lesser method.", resolve: ({ body }) => body.degraded }) })
})

eventRef("JobFailedEvent").implement({
  ...described("The job failed for good. Terminal."),
  fields: (t) => ({ failure: t.field({ type: ErrorInterface, description: "Why.", resolve: ({ body }) => failureValue(body.failure) }) })
})

eventRef("JobCancelledEvent").implement({ ...described("The job was cancelled and nothing of it runs any more. Terminal.") })
