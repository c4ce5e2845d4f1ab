/** How a run goes on: one function for each change of state between a job's start and its end, each one transaction. */
import { DateTime, Effect } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { Claim, JobServices } from "./Claim.ts"
import { endJob, type EndingJob } from "./ending.ts"
import type { Degradation, StageResult } from "./JobKinds.ts"
import { type Entry, type JobRow, lockOwnJob, writeJob } from "./jobLog.ts"
import { changeStage, type StageChange, type StageRow, stageSnapshot } from "./stageRows.ts"

export const stageStarted = (stage: StageRow, attempt: number): Entry => ({
  body: { _tag: "StageStartedEvent", stage: stageSnapshot(stage) },
  dedupeKey: `stage-started:${attempt}:${stage.name}`
})

/** Marks a stage as running. One that is so already was being worked on by a run that is lost. */
export const beginStage = (stage: StageRow, at: Date) =>
  changeStage(stage, {
    status: "RUNNING", progress: 0, attempt: stage.attempt + 1, failure: null, quality: null, degraded_from: null, started_at: at, finished_at: null,
    ...(stage.status === "RUNNING" ? { losses: stage.losses + 1 } : {})
  })

export const endingOf = (claim: Claim, job: JobRow): EndingJob => ({ job, definition: claim.definition, options: claim.options })

export const recordProgress = Effect.fn("jobs.recordProgress")(function*(tx: Transaction, claim: Claim, stage: StageRow, progress: number, jobProgress: number) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const moved = changeStage(stage, { progress })
  yield* writeJob(tx, job, { progress: jobProgress }, [{
    body: { _tag: "StageProgressedEvent", stage: stageSnapshot(moved.row), progress },
    dedupeKey: `progress:${claim.attempt}:${stage.name}:${job.last_sequence + 1}`
  }], [moved.change])
})

/** Records that a stage goes on in a lesser way than it began. Returns the stage as it stands then. */
export const recordDegradation = Effect.fn("jobs.recordDegradation")(function*(tx: Transaction, claim: Claim, stage: StageRow, { failure, from, to }: Degradation) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const degraded = changeStage(stage, { degraded_from: stage.degraded_from ?? from, quality: to })
  yield* writeJob(tx, job, { degraded: true }, [{
    body: { _tag: "StageDegradedEvent", stage: stageSnapshot(degraded.row), from, to, failure },
    dedupeKey: `degraded:${claim.attempt}:${stage.name}:${from}`
  }], [degraded.change])
  return degraded.row
})

export type Advance =
  | { readonly _tag: "Began"; readonly stage: StageRow }
  | { readonly _tag: "Succeeded" }
  /** The job makes room for one of a higher priority and waits for its turn. */
  | { readonly _tag: "Yielded" }
  | { readonly _tag: "CancelRequested" }

export interface FinishedStage {
  readonly stage: StageRow
  readonly result: StageResult<unknown>
  readonly next: StageRow | undefined
  readonly jobProgress: number
  /** Whether a job that goes before this one would have to wait, as every slot of the node is taken. */
  readonly slotWanted: boolean
}

/**
 * Records a finished stage with its output and what it wrote, and begins the next; behind the last one the job has
 * succeeded. One transaction, so that a later run finds a stage either whole or not begun. Writes nothing when the job
 * is to be cancelled.
 */
export const finishStage = Effect.fn("jobs.finishStage")(function*(tx: Transaction, services: JobServices, claim: Claim, finished: FinishedStage) {
  const { next, result } = finished
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  if (job.status === "CANCELLING") return { _tag: "CancelRequested" } satisfies Advance
  if (result.commit !== undefined) yield* result.commit(tx)
  const done = changeStage(finished.stage, { status: "SUCCEEDED", progress: 1, output: result.output ?? null, quality: result.quality ?? null, finished_at: job.now })
  const succeeded: Entry = {
    body: { _tag: "StageSucceededEvent", stage: stageSnapshot(done.row), reused: false },
    dedupeKey: `stage-succeeded:${claim.attempt}:${finished.stage.name}`
  }
  if (next === undefined) {
    yield* endJob(tx, services, endingOf(claim, job), { status: "SUCCEEDED" }, [succeeded], [done.change])
    yield* services.queue.settle(tx, claim.delivery.entryId)
    return { _tag: "Succeeded" } satisfies Advance
  }
  if (finished.slotWanted && (yield* services.queue.isOvertaken(tx, job.priority))) {
    yield* putBack(tx, services, claim, job, { stage: done.change, before: [succeeded], progress: finished.jobProgress })
    return { _tag: "Yielded" } satisfies Advance
  }
  const begun = beginStage(next, job.now)
  yield* writeJob(tx, job, { progress: finished.jobProgress }, [succeeded, stageStarted(begun.row, claim.attempt)], [done.change, begun.change])
  return { _tag: "Began", stage: begun.row } satisfies Advance
})

interface PuttingBack {
  readonly stage: StageChange
  readonly before?: ReadonlyArray<Entry>
  readonly progress?: number
}

/** Queues a job again that is between two stages. One that is to be cancelled stays so, and ends when it is taken. */
const putBack = Effect.fnUntraced(function*(tx: Transaction, services: JobServices, claim: Claim, job: JobRow, { before = [], progress, stage }: PuttingBack) {
  yield* services.queue.settle(tx, claim.delivery.entryId)
  yield* services.queue.send(tx, job)
  if (job.status === "CANCELLING") return yield* writeJob(tx, job, {}, [], [stage])
  yield* writeJob(tx, job, { status: "QUEUED", node: null, ...(progress === undefined ? {} : { progress }) }, [
    ...before,
    { body: { _tag: "JobQueuedEvent" }, dedupeKey: `queued:${claim.attempt}` }
  ], [stage])
})

/** Puts a failed stage back for another try after a delay. The run ends; a new entry begins the next one. */
export const postponeStage = Effect.fn("jobs.postpone")(function*(tx: Transaction, services: JobServices, claim: Claim, stage: StageRow, failure: Failure, delayMs: number) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  if (job.status === "CANCELLING") return "CancelRequested" as const
  const resumeAt = new Date(job.now.getTime() + delayMs)
  const waiting = changeStage(stage, { status: "PENDING", progress: 0, failure, failures: stage.failures + 1 })
  yield* writeJob(tx, job, { status: "WAITING", awaiting: "retry", resume_at: resumeAt, node: null }, [
    { body: { _tag: "StageRetryingEvent", stage: stageSnapshot(waiting.row), failure, delayMs }, dedupeKey: `retrying:${claim.attempt}:${stage.name}` },
    { body: { _tag: "JobWaitingEvent", awaiting: "retry", until: DateTime.fromDateUnsafe(resumeAt) }, dedupeKey: `waiting:${claim.attempt}` }
  ], [waiting.change])
  yield* services.queue.settle(tx, claim.delivery.entryId)
  yield* services.queue.send(tx, job, resumeAt)
  return "Postponed" as const
})

/** Gives the job back unfinished, as when the process is told to stop: it goes on at the same stage elsewhere or later. */
export const releaseJob = Effect.fn("jobs.release")(function*(tx: Transaction, services: JobServices, claim: Claim, stage: StageRow) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  yield* putBack(tx, services, claim, job, { stage: changeStage(stage, { status: "PENDING", progress: 0 }).change })
})
