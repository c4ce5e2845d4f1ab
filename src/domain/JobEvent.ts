/** A job's log: what may stand in it, as it is stored and as it is sent. The tags are the GraphQL type names. */
import { Schema } from "effect"
import { Failure } from "./errorCatalog.ts"
import { StageName, StageStatus } from "./Job.ts"
import { QualityTier } from "./Track.ts"

/** A stage as it stood when the event was written, so that a replay tells the same story as the live stream did. */
export const StageSnapshot = Schema.Struct({
  name: StageName,
  status: StageStatus,
  /** 0 to 1. */
  progress: Schema.Finite,
  /** 1 for the first try. */
  attempt: Schema.Int,
  provider: Schema.NullOr(Schema.String),
  quality: Schema.NullOr(QualityTier),
  degradedFrom: Schema.NullOr(QualityTier),
  failure: Schema.NullOr(Failure),
  startedAt: Schema.NullOr(Schema.DateTimeUtcFromString),
  finishedAt: Schema.NullOr(Schema.DateTimeUtcFromString)
})
export type StageSnapshot = typeof StageSnapshot.Type

const stage = StageSnapshot

export const JobEventBody = Schema.Union([
  Schema.TaggedStruct("JobQueuedEvent", {}),
  Schema.TaggedStruct("JobStartedEvent", { attempt: Schema.Int }),
  Schema.TaggedStruct("StageStartedEvent", { stage }),
  Schema.TaggedStruct("StageProgressedEvent", { stage, progress: Schema.Finite }),
  Schema.TaggedStruct("StageRetryingEvent", { stage, failure: Failure, delayMs: Schema.Int }),
  Schema.TaggedStruct("StageDegradedEvent", { stage, from: QualityTier, to: QualityTier, failure: Failure }),
  Schema.TaggedStruct("StageSucceededEvent", { stage, reused: Schema.Boolean }),
  Schema.TaggedStruct("JobWaitingEvent", { awaiting: Schema.String, until: Schema.NullOr(Schema.DateTimeUtcFromString) }),
  Schema.TaggedStruct("JobSucceededEvent", { degraded: Schema.Boolean }),
  Schema.TaggedStruct("JobFailedEvent", { failure: Failure }),
  Schema.TaggedStruct("JobCancelledEvent", {})
])
export type JobEventBody = typeof JobEventBody.Type
export type JobEventTag = JobEventBody["_tag"]

/** One entry of a job's log; sequences start at 1 and have no gaps. */
export interface JobEvent {
  readonly jobId: string
  readonly sequence: number
  readonly at: Date
  readonly body: JobEventBody
}

const terminalTags: ReadonlySet<JobEventTag> = new Set(["JobSucceededEvent", "JobFailedEvent", "JobCancelledEvent"])

/** The last entry of every finished job is terminal, and nothing follows it. */
export const isTerminalEvent = (event: JobEvent): boolean => terminalTags.has(event.body._tag)

export const encodeEventBody: (body: JobEventBody) => typeof JobEventBody.Encoded = Schema.encodeSync(JobEventBody)
export const decodeEventBody: (encoded: unknown) => JobEventBody = Schema.decodeUnknownSync(JobEventBody)
