/** Works on jobs: takes one, and goes stage by stage until it ends, waits, or has to be given back. */
import { Cause, Context, Deferred, Duration, Effect, Exit, Layer, Option, Schema } from "effect"
import { type Failure, isFailure } from "../domain/errorCatalog.ts"
import { InternalError } from "../domain/errors.ts"
import { isTerminal, type StageName } from "../domain/Job.ts"
import { reportIncident, unexpectedMessage } from "../domain/unexpected.ts"
import { Database, isOutage, type Transaction } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { WorkDirectories } from "../storage/WorkDirectories.ts"
import { endingOf, finishStage, postponeStage, recordDegradation, recordProgress, releaseJob } from "./advance.ts"
import { atStage } from "./atStage.ts"
import type { Claim, JobServices } from "./Claim.ts"
import { endCancelledJob, failJob } from "./ending.ts"
import { inRun, inStage } from "./inRun.ts"
import { JobKinds, type StageDefinition, type StageResult } from "./JobKinds.ts"
import { lockJob, lockOwnJob, Superseded } from "./jobLog.ts"
import { countStage, type StageOutcome } from "./jobMetrics.ts"
import { Node } from "./Node.ts"
import { stageDegraded, stageFailed, stageSucceeded } from "./observedFailures.ts"
import { OnJobEnded } from "./OnJobEnded.ts"
import { makeProgressMeter } from "./progress.ts"
import { type Delivery, Queue } from "./Queue.ts"
import { retryDelayMs } from "./retryDelay.ts"
import { isFinishedStage, type StageRow } from "./stageRows.ts"
import { progressOf } from "./stageWeights.ts"
import { type Taken, takeJobs, type Taking } from "./take.ts"

/** Why a run is to stop before its job has ended. */
export type StopReason = "CANCEL" | "SHUTDOWN" | "SUPERSEDED"

/** A stage whose worker vanished this often is taken for the cause of it. */
const maxLosses = 10

export interface RunOptions {
  /** Completed when the run is to stop. */
  readonly stop: Deferred.Deferred<StopReason>
  /** Whether every slot of this node is taken. */
  readonly isFull: () => boolean
}

export class Runner extends Context.Service<Runner, {
  /** Takes the next jobs that are due: fewer than the limit when there are no more. */
  readonly take: (taking: Pick<Taking, "limit" | "except" | "runsHere">) => Effect.Effect<ReadonlyArray<Taken>>
  /**
   * Works on the job until it ends or `stop` is completed; the work is interrupted then, and only when nothing of it
   * runs any more is the job's row written. Never fails: what goes wrong is the job's failure or, when the database is
   * lost, left to the sweep, which has the job delivered again.
   */
  readonly run: (claim: Claim, options: RunOptions) => Effect.Effect<void>
}>()("playhead/jobs/Runner") {
  static readonly layer = Layer.effect(
    Runner,
    Effect.gen(function*() {
      const database = yield* Database
      const kinds = yield* JobKinds
      const node = yield* Node
      const services: JobServices = { queue: yield* Queue, blobs: yield* Blobs, onJobEnded: yield* OnJobEnded }
      const workDirectories = yield* WorkDirectories

      /** Something nobody expected: the client gets an id, the log gets everything. */
      const incident = (what: string, cause: Cause.Cause<unknown>) =>
        Effect.map(reportIncident(what, cause), (incidentId) => new InternalError({ message: unexpectedMessage(incidentId), incidentId }))

      /** A job that cannot even be begun would be taken again and again, before all others. */
      const failUnclaimable = Effect.fnUntraced(function*(delivery: Delivery, cause: Cause.Cause<unknown>) {
        const failure = yield* incident("A job could not be begun", cause)
        yield* database.transaction((tx) => Effect.gen(function*() {
          yield* services.queue.withdraw(tx, delivery.jobId)
          const job = yield* lockJob(tx, delivery.jobId)
          const definition = job === undefined ? undefined : kinds.get(job.kind)
          if (job === undefined || definition === undefined || isTerminal(job.status)) return
          // Without what its kind would clear away: it may be that which failed.
          yield* failJob(tx, services, { job, definition: { kind: definition.kind, options: definition.options, stages: [] }, options: undefined }, failure, undefined)
        }))
      })

      const take = Effect.fn("Runner.take")(function*(taking: Pick<Taking, "limit" | "except" | "runsHere">): Effect.fn.Return<ReadonlyArray<Taken>> {
        let deliveries: ReadonlyArray<Delivery> = []
        return yield* database.transaction((tx) =>
          takeJobs(tx, services, {
            ...taking,
            node: node.id,
            kinds,
            onDeliveries: (found) => {
              deliveries = found
            }
          })
        ).pipe(
          Effect.catchCause((cause) => {
            const [only] = deliveries
            if (only === undefined || isOutage(cause) || Cause.hasInterrupts(cause)) return Effect.failCause(cause)
            if (taking.limit === 1) return Effect.as(failUnclaimable(only, cause), [{ _tag: "Settled" } satisfies Taken])
            // One of them cannot be begun: taken singly, it shows which, and the others begin.
            return Effect.map(Effect.forEach(deliveries, () => take({ ...taking, limit: 1 })), (taken) => taken.flat())
          })
        )
      })

      /** Calls `onChange` with the stage's row whenever the work has changed it. */
      const runStage = Effect.fnUntraced(function*(claim: Claim, begun: StageRow, outputs: ReadonlyMap<StageName, unknown>, stop: RunOptions["stop"], onChange: (row: StageRow) => void) {
        let row = begun
        const definition = claim.definition.stages.find((stage) => stage.name === row.name)
        if (definition === undefined) return yield* Effect.die(new Error(`${claim.definition.kind} has no stage ${row.name}`))
        const meter = makeProgressMeter()
        const workDirectory = yield* Effect.cached(workDirectories.make)
        const stopWhenSuperseded = (write: Effect.Effect<void, Superseded>) => Effect.catchTag(write, "Superseded", () => Effect.asVoid(Deferred.succeed(stop, "SUPERSEDED")))
        yield* Effect.forkScoped(
          meter.record((fraction) =>
            database.transaction((tx) => recordProgress(tx, claim, row, fraction, progressOf(claim.definition, row.position, fraction))).pipe(stopWhenSuperseded)
          )
        )
        return yield* definition.run({
          jobId: claim.jobId,
          trackId: claim.trackId,
          options: claim.options,
          output: <Output>(stage: StageDefinition<unknown, Output>) => outputs.get(stage.name) as Output,
          workDirectory,
          reportProgress: meter.report,
          reportDegradation: (step) =>
            database.transaction((tx) => recordDegradation(tx, claim, row, step)).pipe(
              Effect.map((degraded) => {
                row = degraded
                onChange(degraded)
              }),
              Effect.tap(stageDegraded(claim, row, step.failure)),
              Effect.tap(Effect.logWarning("A stage goes on in a lesser way", { from: step.from, to: step.to }, Cause.fail(step.failure))),
              stopWhenSuperseded
            )
        })
      }, Effect.scoped)

      const end = (claim: Claim, how: (tx: Transaction, ending: ReturnType<typeof endingOf>) => Effect.Effect<void>) =>
        database.transaction((tx) => Effect.gen(function*() {
          const job = yield* lockOwnJob(tx, claim.jobId, claim.attempt)
          yield* how(tx, endingOf(claim, job))
          yield* services.queue.settle(tx, claim.delivery.entryId)
        }))
      const cancel = (claim: Claim) => end(claim, (tx, ending) => endCancelledJob(tx, services, ending))
      const fail = (claim: Claim, row: StageRow, failure: Failure) => end(claim, (tx, ending) => failJob(tx, services, ending, failure, row.name))

      /** Fails the job, or puts the stage back for another try. */
      const failStage = Effect.fnUntraced(function*(claim: Claim, row: StageRow, failure: Failure): Effect.fn.Return<StageOutcome, Superseded> {
        yield* stageFailed(claim, row, failure)
        const delayMs = yield* retryDelayMs(failure, row.failures + 1)
        // What nobody expected has had its line, with all that is known of it.
        if (failure._tag !== "InternalError") {
          yield* delayMs === undefined
            ? Effect.logWarning("The job failed", Cause.fail(failure))
            : Effect.logInfo("A stage failed and will be tried again", { delayMs }, Cause.fail(failure))
        }
        if (delayMs === undefined) {
          yield* fail(claim, row, failure)
          return "failed"
        }
        const result = yield* database.transaction((tx) => postponeStage(tx, services, claim, row, failure, delayMs))
        if (result === "CancelRequested") yield* cancel(claim)
        return "retried"
      })

      /** Runs a stage and records what came of it. Returns the next one, begun, when the run goes on. */
      const advance = Effect.fnUntraced(function*(claim: Claim, begun: StageRow, outputs: Map<StageName, unknown>, { isFull, stop }: RunOptions): Effect.fn.Return<StageRow | undefined, Superseded> {
        const { definition } = claim
        let current = begun
        const changed = (row: StageRow) => {
          current = row
        }
        const [elapsed, outcome] = yield* inStage(claim, begun, runStage(claim, begun, outputs, stop, changed)).pipe(
          Effect.exit,
          Effect.map((exit) => ({ _tag: "Ended" as const, exit })),
          Effect.raceFirst(Effect.map(Deferred.await(stop), (reason) => ({ _tag: "Stopped" as const, reason }))),
          Effect.timed
        )
        const count = (what: StageOutcome) => countStage(definition.kind, current.name, what, elapsed)
        if (outcome._tag === "Stopped") {
          yield* count(outcome.reason === "CANCEL" ? "cancelled" : "interrupted")
          if (outcome.reason === "SUPERSEDED") return yield* new Superseded({ jobId: claim.jobId })
          yield* outcome.reason === "CANCEL" ? cancel(claim) : database.transaction((tx) => releaseJob(tx, services, claim, current))
          return undefined
        }
        const advanced = yield* Exit.match(outcome.exit, {
          onSuccess: (result: StageResult<unknown>) =>
            database.transaction((tx) =>
              finishStage(tx, services, claim, {
                stage: current,
                result,
                next: claim.stages[current.position + 1],
                jobProgress: progressOf(definition, current.position, 1),
                slotWanted: isFull()
              })
            ).pipe(
              Effect.tap(() => Effect.sync(() => outputs.set(current.name, result.output))),
              Effect.exit
            ),
          onFailure: (cause) => Effect.succeed(Exit.failCause(cause))
        })
        if (Exit.isFailure(advanced)) {
          const failed = Cause.findErrorOption(advanced.cause)
          if (Option.isSome(failed) && failed.value._tag === "Superseded") return yield* failed.value
          if (isOutage(advanced.cause)) return yield* Effect.failCause(advanced.cause as Cause.Cause<never>)
          const known = Option.isSome(failed) && isFailure(failed.value) ? Effect.succeed(atStage(failed.value, current.name)) : incident("A stage died of an unexpected error", advanced.cause)
          const what = yield* Effect.flatMap(known, (failure) => failStage(claim, current, failure)).pipe(
            Effect.annotateLogs({ durationMs: Math.round(Duration.toMillis(elapsed)) })
          )
          yield* count(what)
          return undefined
        }
        yield* count("succeeded")
        yield* Effect.logDebug("The stage is finished", { durationMs: Math.round(Duration.toMillis(elapsed)) })
        if (advanced.value._tag === "CancelRequested") yield* cancel(claim)
        else yield* Effect.provideService(stageSucceeded(claim, current), Database, database)
        return advanced.value._tag === "Began" ? advanced.value.stage : undefined
      })

      const work = Effect.fnUntraced(function*(claim: Claim, options: RunOptions): Effect.fn.Return<void, Superseded> {
        const outputs = new Map<StageName, unknown>()
        for (const stage of claim.stages) {
          const output = claim.definition.stages.find((known) => known.name === stage.name)?.output
          if (isFinishedStage(stage) && output !== undefined) outputs.set(stage.name, yield* Schema.decodeUnknownEffect(output)(stage.output).pipe(Effect.orDie))
        }
        if (claim.first.losses >= maxLosses) {
          return yield* fail(claim, claim.first, yield* incident("A stage was given up", Cause.die(new Error(`its worker vanished ${claim.first.losses} times`))))
        }
        let row: StageRow | undefined = claim.first
        while (row !== undefined) row = yield* advance(claim, row, outputs, options).pipe(Effect.annotateLogs({ stage: row.name }))
      })

      const run = (claim: Claim, options: RunOptions) =>
        work(claim, options).pipe(
          Effect.catchTag("Superseded", () => Effect.logInfo("Another run has taken the job over, or it has ended; this run writes nothing more")),
          Effect.catchCause((cause) => Effect.logWarning("The run ended without a result; the job will be delivered again", cause)),
          (running) => inRun(claim, running)
        )

      return Runner.of({ take, run })
    })
  )
}
