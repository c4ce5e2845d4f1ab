/**
 * The database's part in working on a job: one function for each change of state, each one transaction. `Runner.ts`
 * says when which of them happens.
 */
import { Clock, DateTime, Effect } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"
import { isTerminal, type TerminalStatus } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { Blobs } from "../storage/Blobs.ts"
import type { AnyJobKind, StageResult } from "./JobKinds.ts"
import { type Entry, type JobRow, lockJob, lockOwnJob, writeJob } from "./jobLog.ts"
import type { Delivery, Queue } from "./Queue.ts"
import { isFinishedStage, readStages, type StageRow, stageSnapshot, writeStage } from "./stageRows.ts"

const now = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis))

/** What a transition needs besides its transaction. */
export interface Services {
  readonly queue: Queue["Service"]
  readonly blobs: Blobs["Service"]
}

/** The work of one delivery, as long as no other run takes the job over. */
export interface Claim {
  readonly delivery: Delivery
  readonly definition: AnyJobKind
  readonly jobId: string
  readonly trackId: string | null
  readonly attempt: number
  readonly options: unknown
  readonly stages: ReadonlyArray<StageRow>
}

export type ClaimResult =
  | { readonly _tag: "Claimed"; readonly job: JobRow; readonly stages: ReadonlyArray<StageRow> }
  /** Nothing to do: the job is gone, finished, or not due yet. The entry was removed. */
  | { readonly _tag: "Idle"; readonly reason: "gone" | "finished" | "early" }
  | { readonly _tag: "CancelRequested"; readonly job: JobRow; readonly stages: ReadonlyArray<StageRow> }

/** Takes a job for this run. From here on every other run of it is superseded. */
export const claimJob = Effect.fn("jobs.claim")(function*(tx: Transaction, services: Services, delivery: Delivery, node: string, onStarted: (job: JobRow) => Effect.Effect<void>) {
  const job = yield* lockJob(tx, delivery.jobId)
  const at = yield* now
  const idle = (reason: "gone" | "finished" | "early") => Effect.as(services.queue.settle(tx, delivery.entryId), { _tag: "Idle", reason } satisfies ClaimResult)
  if (job === undefined) return yield* idle("gone")
  if (isTerminal(job.status)) return yield* idle("finished")
  if (job.status === "WAITING" && job.resume_at !== null && job.resume_at > at) return yield* idle("early")
  const attempt = job.attempt + 1
  if (job.status === "CANCELLING") {
    yield* writeJob(tx, job, { attempt, node }, [])
    return { _tag: "CancelRequested", job: { ...job, attempt }, stages: yield* readStages(tx, job.id) } satisfies ClaimResult
  }
  const started: Entry = { body: { _tag: "JobStartedEvent", attempt }, dedupeKey: `started:${attempt}` }
  yield* writeJob(tx, job, {
    status: "RUNNING", attempt, node, awaiting: null, resume_at: null,
    ...(job.attempt === 0 ? { started_at: at } : {})
  }, [started])
  yield* onStarted(job)
  return { _tag: "Claimed", job: { ...job, attempt, status: "RUNNING" }, stages: yield* readStages(tx, job.id) } satisfies ClaimResult
})

const startEntry = (stage: StageRow, claim: Claim): Entry => ({
  body: { _tag: "StageStartedEvent", stage: stageSnapshot(stage) },
  dedupeKey: `stage-started:${claim.attempt}:${stage.name}`
})

/** Marks a stage as running; within a transaction that has the job locked. */
const begin = (tx: Transaction, stage: StageRow, at: Date) =>
  writeStage(tx, stage, { status: "RUNNING", progress: 0, attempt: stage.attempt + 1, failure: null, started_at: at, finished_at: null })

/** The first stage of a run. The others begin in the transaction that finishes the one before. */
export const beginStage = Effect.fn("jobs.beginStage")(function*(tx: Transaction, claim: Claim, stage: StageRow) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const begun = yield* begin(tx, stage, yield* now)
  yield* writeJob(tx, job, {}, [startEntry(begun, claim)])
  return begun
})

export const recordProgress = Effect.fn("jobs.recordProgress")(function*(tx: Transaction, claim: Claim, stage: StageRow, progress: number, jobProgress: number) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const moved = yield* writeStage(tx, stage, { progress })
  yield* writeJob(tx, job, { progress: jobProgress }, [{
    body: { _tag: "StageProgressedEvent", stage: stageSnapshot(moved), progress },
    dedupeKey: `progress:${claim.attempt}:${stage.name}:${job.last_sequence + 1}`
  }])
})

export type Advance =
  | { readonly _tag: "Began"; readonly stage: StageRow }
  | { readonly _tag: "Succeeded" }
  | { readonly _tag: "CancelRequested" }

/**
 * Records a finished stage with its output and what it wrote, and begins the next; behind the last one the job has
 * succeeded. One transaction, so that a later run finds a stage either whole or not begun. Writes nothing when the job
 * is to be cancelled.
 */
export const finishStage = Effect.fn("jobs.finishStage")(function*(
  tx: Transaction,
  services: Services,
  claim: Claim,
  stage: StageRow,
  result: StageResult<unknown>,
  next: StageRow | undefined,
  jobProgress: number
) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  if (job.status === "CANCELLING") return { _tag: "CancelRequested" } satisfies Advance
  const at = yield* now
  if (result.commit !== undefined) yield* result.commit(tx)
  const done = yield* writeStage(tx, stage, { status: "SUCCEEDED", progress: 1, output: result.output ?? null, finished_at: at })
  const succeeded: Entry = {
    body: { _tag: "StageSucceededEvent", stage: stageSnapshot(done), reused: false },
    dedupeKey: `stage-succeeded:${claim.attempt}:${stage.name}`
  }
  if (next !== undefined) {
    const begun = yield* begin(tx, next, at)
    yield* writeJob(tx, job, { progress: jobProgress }, [succeeded, startEntry(begun, claim)])
    return { _tag: "Began", stage: begun } satisfies Advance
  }
  yield* endJob(tx, services, claim, job, "SUCCEEDED", undefined, [succeeded])
  return { _tag: "Succeeded" } satisfies Advance
})

const endJob = Effect.fnUntraced(function*(
  tx: Transaction,
  services: Services,
  claim: Claim,
  job: JobRow,
  status: TerminalStatus,
  failure: Failure | undefined,
  before: ReadonlyArray<Entry>
) {
  const last: Entry = status === "SUCCEEDED"
    ? { body: { _tag: "JobSucceededEvent", degraded: job.degraded }, dedupeKey: "finished" }
    : failure !== undefined
    ? { body: { _tag: "JobFailedEvent", failure }, dedupeKey: "finished" }
    : { body: { _tag: "JobCancelledEvent" }, dedupeKey: "finished" }
  yield* writeJob(tx, job, {
    status, finished_at: yield* now, awaiting: null, resume_at: null, node: null,
    ...(status === "SUCCEEDED" ? { progress: 1 } : {}),
    ...(failure === undefined ? {} : { failure })
  }, [...before, last])
  yield* claim.definition.onFinished?.(tx, { jobId: claim.jobId, trackId: job.track_id, options: claim.options, status }) ?? Effect.void
  yield* services.blobs.release(tx, claim.jobId)
  yield* services.queue.settle(tx, claim.delivery.entryId)
})

/** Ends the job as failed at a stage; the stages behind it are skipped. */
export const failJob = Effect.fn("jobs.fail")(function*(tx: Transaction, services: Services, claim: Claim, stage: StageRow | undefined, failure: Failure) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const at = yield* now
  for (const row of yield* readStages(tx, claim.jobId)) {
    if (row.name === stage?.name) yield* writeStage(tx, row, { status: "FAILED", failure, finished_at: at })
    else if (!isFinishedStage(row)) yield* writeStage(tx, row, { status: "SKIPPED" })
  }
  yield* endJob(tx, services, claim, job, "FAILED", failure, [])
})

/** Ends a job whose cancellation was asked for, once nothing of it runs. */
export const endCancelledJob = Effect.fn("jobs.endCancelled")(function*(tx: Transaction, services: Services, claim: Claim) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const at = yield* now
  for (const row of yield* readStages(tx, claim.jobId)) {
    if (!isFinishedStage(row)) yield* writeStage(tx, row, { status: "CANCELLED", finished_at: at })
  }
  yield* endJob(tx, services, claim, job, "CANCELLED", undefined, [])
})

/** Puts a failed stage back for another try after a delay. The run ends; a new entry begins the next one. */
export const postponeStage = Effect.fn("jobs.postpone")(function*(tx: Transaction, services: Services, claim: Claim, stage: StageRow, failure: Failure, delayMs: number) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  const resumeAt = new Date((yield* Clock.currentTimeMillis) + delayMs)
  const waiting = yield* writeStage(tx, stage, { status: "PENDING", progress: 0, failure })
  yield* writeJob(tx, job, { status: "WAITING", awaiting: "retry", resume_at: resumeAt, node: null }, [
    { body: { _tag: "StageRetryingEvent", stage: stageSnapshot(waiting), failure, delayMs }, dedupeKey: `retrying:${claim.attempt}:${stage.name}` },
    { body: { _tag: "JobWaitingEvent", awaiting: "retry", until: DateTime.fromDateUnsafe(resumeAt) }, dedupeKey: `waiting:${claim.attempt}` }
  ])
  yield* services.queue.settle(tx, claim.delivery.entryId)
  yield* services.queue.send(tx, claim.jobId, { priority: job.priority, startAfter: resumeAt })
})

/** Gives the job back unfinished, as when the process is told to stop: it goes on at the same stage elsewhere or later. */
export const releaseJob = Effect.fn("jobs.release")(function*(tx: Transaction, services: Services, claim: Claim, stage: StageRow) {
  const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
  yield* writeStage(tx, stage, { status: "PENDING", progress: 0 })
  yield* services.queue.settle(tx, claim.delivery.entryId)
  yield* services.queue.send(tx, claim.jobId, { priority: job.priority })
  if (job.status === "CANCELLING") return
  yield* writeJob(tx, job, { status: "QUEUED", node: null }, [{ body: { _tag: "JobQueuedEvent" }, dedupeKey: `queued:${claim.attempt}` }])
})
