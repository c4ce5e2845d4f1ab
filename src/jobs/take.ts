/** How runs begin: queue entries are taken and their jobs claimed in one transaction, so that no kill can come in between. */
import { Effect, Schema } from "effect"
import { isTerminal, type JobKind } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"
import { beginStage, stageStarted } from "./advance.ts"
import type { Claim, JobServices } from "./Claim.ts"
import { endCancelledJob } from "./ending.ts"
import type { AnyJobKind } from "./JobKinds.ts"
import { controlChannel, type Entry, type JobWithStages, lockJobsWithStages, writeJob } from "./jobLog.ts"
import { countStarted } from "./jobMetrics.ts"
import type { Delivery } from "./Queue.ts"
import { isFinishedStage, stageSnapshot } from "./stageRows.ts"

/** Where a job waits for a node that knows its kind, as while nodes of two versions run. */
const unknownKindDelayMs = 10_000

export interface Taking {
  readonly node: string
  readonly kinds: ReadonlyMap<JobKind, AnyJobKind>
  /** How many jobs at the most. */
  readonly limit: number
  /** Kinds of which this node runs as many as it may. */
  readonly except: ReadonlyArray<JobKind>
  /** Whether this node works on the job already. */
  readonly runsHere: (jobId: string) => boolean
  /** Told which jobs are about to be claimed, in case that fails. */
  readonly onDeliveries: (deliveries: ReadonlyArray<Delivery>) => void
}

export type Taken =
  /** An entry that called for no work; it was dealt with. */
  | { readonly _tag: "Settled" }
  /** The entry of a job that this node works on: the queue had missed its heartbeats. */
  | { readonly _tag: "RunsHere"; readonly delivery: Delivery }
  | { readonly _tag: "Claimed"; readonly claim: Claim }

/** Takes the next jobs for runs of this node: none, when none is due. From here on every other run of them is superseded. */
export const takeJobs = Effect.fn("jobs.take")(function*(tx: Transaction, services: JobServices, taking: Taking) {
  const deliveries = yield* services.queue.take(tx, taking.limit, taking.except)
  const running = deliveries.filter((delivery) => taking.runsHere(delivery.jobId))
  const others = deliveries.filter((delivery) => !running.includes(delivery))
  taking.onDeliveries(others)
  const jobs = others.length === 0 ? new Map<string, JobWithStages>() : yield* lockJobsWithStages(tx, others.map((delivery) => delivery.jobId))
  const taken = yield* Effect.forEach(others, (delivery, index) =>
    // A job may have more than one entry, and one run needs no more than one.
    others.findIndex((other) => other.jobId === delivery.jobId) < index
      ? settle(tx, services, delivery)
      : takeJob(tx, services, taking, delivery, jobs.get(delivery.jobId)))
  return [...running.map((delivery): Taken => ({ _tag: "RunsHere", delivery })), ...taken]
})

const settle = (tx: Transaction, { queue }: JobServices, { entryId }: Delivery): Effect.Effect<Taken> => Effect.as(queue.settle(tx, entryId), { _tag: "Settled" })

const takeJob = Effect.fnUntraced(function*(
  tx: Transaction,
  services: JobServices,
  taking: Taking,
  delivery: Delivery,
  locked: JobWithStages | undefined
): Effect.fn.Return<Taken> {
  const { queue } = services
  const settled = settle(tx, services, delivery)
  if (locked === undefined) {
    yield* Effect.logInfo("A queue entry names a job that does not exist; it was removed").pipe(Effect.annotateLogs({ jobId: delivery.jobId }))
    return yield* settled
  }
  const { job, stages } = locked
  if (isTerminal(job.status)) return yield* settled
  // Another entry stands for the time when it is due.
  if (job.status === "WAITING" && job.resume_at !== null && job.resume_at > job.now) return yield* settled
  const definition = taking.kinds.get(job.kind)
  if (definition === undefined) {
    yield* Effect.logWarning(`This node knows no job of the kind ${job.kind}; it is left to others`)
    yield* queue.send(tx, job, new Date(job.now.getTime() + unknownKindDelayMs))
    return yield* settled
  }
  const options: unknown = yield* Schema.decodeUnknownEffect(definition.options)(job.options).pipe(Effect.orDie)
  if (job.status === "CANCELLING") {
    yield* endCancelledJob(tx, services, { job, definition, options })
    return yield* settled
  }
  return { _tag: "Claimed", claim: yield* claimJob(tx, { delivery, definition, options, job, stages, node: taking.node }) }
})

interface Claiming extends JobWithStages {
  readonly delivery: Delivery
  readonly definition: AnyJobKind
  readonly options: unknown
  readonly node: string
}

const claimJob = Effect.fnUntraced(function*(tx: Transaction, { definition, delivery, job, node, options, stages }: Claiming) {
  const next = stages.find((stage) => !isFinishedStage(stage))
  if (next === undefined) return yield* Effect.die(new Error(`job ${job.id} is not finished but all of its stages are`))
  const attempt = job.attempt + 1
  const { change, row: first } = beginStage(next, job.now)
  const reused = attempt > 1 ? [] : stages.filter((stage) => stage.status === "REUSED").map((stage): Entry => ({
    body: { _tag: "StageSucceededEvent", stage: stageSnapshot(stage), reused: true },
    dedupeKey: `stage-reused:${stage.name}`
  }))
  yield* writeJob(tx, job, {
    status: "RUNNING", attempt, node, awaiting: null, resume_at: null,
    // A stage that is begun again may find the better way.
    ...(job.degraded ? { degraded: stages.some((stage) => stage !== next && stage.degraded_from !== null) } : {}),
    ...(job.attempt === 0 ? { started_at: job.now } : {})
  }, [
    { body: { _tag: "JobStartedEvent", attempt }, dedupeKey: `started:${attempt}` },
    ...reused,
    stageStarted(first, attempt)
  ], [change])
  if (job.attempt === 0) yield* tx.afterCommit(countStarted(job))
  // The run that held it before, if it still lives, is to stop.
  if (job.node !== null) yield* tx.notify(controlChannel, job.id)
  yield* definition.onStarted?.(tx, { jobId: job.id, trackId: job.track_id }) ?? Effect.void
  return {
    delivery, definition, jobId: job.id, trackId: job.track_id, attempt, options, stages, first,
    origin: { requestId: job.request_id, traceparent: job.traceparent }
  } satisfies Claim
})
