/** The ends of a job: each one transaction in which everything comes to rest that the job had in hand. */
import { Effect } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"
import type { TerminalStatus } from "../domain/Job.ts"
import type { JobEventBody } from "../domain/JobEvent.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { JobServices } from "./Claim.ts"
import type { AnyJobKind } from "./JobKinds.ts"
import { type Entry, type JobRow, writeJob } from "./jobLog.ts"
import { countFinished } from "./jobMetrics.ts"
import type { EndedJob, Ending } from "./OnJobEnded.ts"
import { changeStage, isFinishedStage, readStages, type StageChange } from "./stageRows.ts"

/** A locked job and what is needed to end it. */
export interface EndingJob {
  readonly job: JobRow
  readonly definition: AnyJobKind
  /** Decoded. */
  readonly options: unknown
}

const lastEvent = (job: JobRow, ending: Ending): JobEventBody => {
  switch (ending.status) {
    case "SUCCEEDED": return { _tag: "JobSucceededEvent", degraded: job.degraded }
    case "CANCELLED": return { _tag: "JobCancelledEvent" }
    case "FAILED": return { _tag: "JobFailedEvent", failure: ending.failure }
  }
}

/** A failure has had its line where it arose. */
const logEnd = (job: JobRow, status: TerminalStatus): Effect.Effect<void> =>
  status === "FAILED"
    ? Effect.void
    : Effect.logInfo(status === "SUCCEEDED" ? "The job succeeded" : "The job was cancelled", { durationMs: job.now.getTime() - job.created_at.getTime() }).pipe(
      Effect.annotateLogs({ jobId: job.id, kind: job.kind, ...(job.track_id === null ? {} : { trackId: job.track_id }) })
    )

/** Ends a locked job, behind the events that come before its last one. Its queue entry is the caller's to remove. */
export const endJob = Effect.fnUntraced(function*(tx: Transaction, { blobs, onJobEnded }: JobServices, { definition, job, options }: EndingJob, ending: Ending, before: ReadonlyArray<Entry> = [], stages: ReadonlyArray<StageChange> = []) {
  const { status } = ending
  yield* writeJob(tx, job, {
    status, finished_at: job.now, awaiting: null, resume_at: null, node: null,
    ...(status === "SUCCEEDED" ? { progress: 1 } : {}),
    ...(status === "FAILED" ? { failure: ending.failure } : {})
  }, [...before, { body: lastEvent(job, ending), dedupeKey: "finished" }], stages)
  yield* tx.afterCommit(Effect.andThen(countFinished(job, status), logEnd(job, status)))
  yield* definition.onFinished?.(tx, { jobId: job.id, trackId: job.track_id, options, status }) ?? Effect.void
  const ended: EndedJob = { jobId: job.id, kind: job.kind, trackId: job.track_id, degraded: job.degraded, createdAt: job.created_at, endedAt: job.now, ending }
  for (const tell of onJobEnded) yield* tell(tx, ended)
  // What failed and may succeed when it is tried again finds its files then; Blobs lets them go after a while.
  if (job.holds_blobs && (status !== "FAILED" || !ending.failure.retryable)) yield* blobs.release(tx, job.id)
})

/** Ends a job as failed, at a stage where there is one to blame; what was not begun is skipped. */
export const failJob = Effect.fnUntraced(function*(tx: Transaction, services: JobServices, ending: EndingJob, failure: Failure, stageName: string | undefined) {
  const stages = yield* readStages(tx, ending.job.id)
  const changes = stages.filter((stage) => stage.name === stageName || !isFinishedStage(stage)).map((stage) =>
    changeStage(stage, stage.name === stageName ? { status: "FAILED", failure, finished_at: ending.job.now } : { status: "SKIPPED" }).change)
  yield* endJob(tx, services, ending, { status: "FAILED", failure }, [], changes)
})

/** Ends a job whose cancellation was asked for, once nothing of it runs. */
export const endCancelledJob = Effect.fnUntraced(function*(tx: Transaction, services: JobServices, ending: EndingJob) {
  const stages = yield* readStages(tx, ending.job.id)
  const changes = stages.filter((stage) => !isFinishedStage(stage)).map((stage) => changeStage(stage, { status: "CANCELLED", finished_at: ending.job.now }).change)
  yield* endJob(tx, services, ending, { status: "CANCELLED" }, [], changes)
})
