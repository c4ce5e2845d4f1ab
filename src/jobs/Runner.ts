/** Works on one delivered job: stage by stage until it ends, waits, or has to be given back. */
import { Cause, Context, Deferred, Effect, Exit, Layer, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { encodeFailure, type Failure, isFailure } from "../domain/errorCatalog.ts"
import { AudioProcessingError, InternalError, TimedOutError } from "../domain/errors.ts"
import type { StageName } from "../domain/Job.ts"
import { Database, isConnectionLost } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { WorkDirectories } from "../storage/WorkDirectories.ts"
import * as transitions from "./delivery.ts"
import { JobKinds, type StageDefinition, type StageResult } from "./JobKinds.ts"
import type { Superseded } from "./jobLog.ts"
import { makeProgressMeter } from "./progress.ts"
import { type Delivery, Queue } from "./Queue.ts"
import { retryDelayMs } from "./retryDelay.ts"
import { isFinishedStage, type StageRow } from "./stageRows.ts"

/** Why a run is to stop before its job has ended. */
export type StopReason = "CANCEL" | "SHUTDOWN" | "SUPERSEDED"

/** A job whose worker vanished this often is taken for the cause of it. */
const maxLostDeliveries = 5

// Copied by name: the message of an Error is not among the properties that a spread takes.
const causeOf = ({ cause }: Failure) => (cause === undefined ? {} : { cause })

/** The audio layer does not know which stage it works for. */
const atStage = (failure: Failure, stage: StageName): Failure => {
  if (failure._tag === "AudioProcessingError" && !failure.stage) return new AudioProcessingError({ message: failure.message, stage, ...causeOf(failure) })
  if (failure._tag === "TimedOutError" && !failure.stage) return new TimedOutError({ message: failure.message, timeoutMs: failure.timeoutMs, stage, ...causeOf(failure) })
  return failure
}

export class Runner extends Context.Service<Runner, {
  /**
   * Works on the job until it ends or `stop` is completed; the work is interrupted then, and only when nothing of it
   * runs any more is the job's row written. Never fails: what goes wrong is the job's failure or, when the database is
   * lost, left to the queue, which delivers the job again.
   */
  readonly run: (delivery: Delivery, node: string, stop: Deferred.Deferred<StopReason>) => Effect.Effect<void>
}>()("playhead/jobs/Runner") {
  static readonly layer = Layer.effect(
    Runner,
    Effect.gen(function*() {
      const database = yield* Database
      const kinds = yield* JobKinds
      const services: transitions.Services = { queue: yield* Queue, blobs: yield* Blobs }
      const workDirectories = yield* WorkDirectories
      const random = yield* SecureRandom.SecureRandom

      const claimJob = (delivery: Delivery, node: string) =>
        database.transaction((tx) =>
          transitions.claimJob(tx, services, delivery, node, (job) =>
            kinds.get(job.kind as never)?.onStarted?.(tx, { jobId: job.id, trackId: job.track_id }) ?? Effect.void)
        )

      /** Something nobody expected: the client gets an id, the log gets everything. */
      const incident = Effect.fnUntraced(function*(cause: Cause.Cause<unknown>) {
        const incidentId = yield* random.uuidV7()
        yield* Effect.logError("A stage died of an unexpected error", cause).pipe(Effect.annotateLogs({ incidentId }))
        return new InternalError({ message: `Something went wrong on our side. The log has it under ${incidentId}.`, incidentId })
      })

      const runStage = Effect.fn("Runner.stage")(function*(claim: transitions.Claim, row: StageRow, outputs: ReadonlyMap<StageName, unknown>, jobProgressAt: (fraction: number) => number) {
        const definition = claim.definition.stages.find((stage) => stage.name === row.name)
        if (definition === undefined) return yield* Effect.die(new Error(`${claim.definition.kind} has no stage ${row.name}`))
        const meter = makeProgressMeter()
        const workDirectory = yield* workDirectories.make
        yield* Effect.forkScoped(
          meter.record((fraction) =>
            database.transaction((tx) => transitions.recordProgress(tx, claim, row, fraction, jobProgressAt(fraction))).pipe(
              // The run learns of it at its next real step.
              Effect.catchTag("Superseded", () => Effect.void)
            )
          )
        )
        return yield* definition.run({
          jobId: claim.jobId,
          trackId: claim.trackId,
          options: claim.options,
          output: <Output>(stage: StageDefinition<unknown, Output>) => outputs.get(stage.name) as Output,
          workDirectory,
          reportProgress: meter.report
        })
      }, Effect.scoped)

      /** Fails the job, or puts the stage back for another try. */
      const failStage = Effect.fnUntraced(function*(claim: transitions.Claim, row: StageRow, failure: Failure) {
        const delayMs = yield* retryDelayMs(failure, row.attempt)
        if (delayMs !== undefined) {
          yield* Effect.logInfo("A stage failed and will be tried again").pipe(Effect.annotateLogs({ failure: encodeFailure(failure), delayMs }))
          return yield* database.transaction((tx) => transitions.postponeStage(tx, services, claim, row, failure, delayMs))
        }
        yield* Effect.logWarning("The job failed").pipe(Effect.annotateLogs({ failure: encodeFailure(failure) }))
        yield* database.transaction((tx) => transitions.failJob(tx, services, claim, row, failure))
      })

      const work = Effect.fn("Runner.work")(function*(claim: transitions.Claim, stop: Deferred.Deferred<StopReason>): Effect.fn.Return<void, Superseded> {
        const { definition } = claim
        const totalWeight = definition.stages.reduce((sum, stage) => sum + stage.weight, 0)
        const weightBefore = (position: number) => definition.stages.slice(0, position).reduce((sum, stage) => sum + stage.weight, 0)
        const weightOf = (row: StageRow) => definition.stages[row.position]?.weight ?? 0
        const outputs = new Map<StageName, unknown>()
        for (const stage of claim.stages) {
          const output = definition.stages.find((known) => known.name === stage.name)?.output
          if (isFinishedStage(stage) && output !== undefined) outputs.set(stage.name, yield* Schema.decodeUnknownEffect(output)(stage.output).pipe(Effect.orDie))
        }
        const first = claim.stages.find((stage) => !isFinishedStage(stage))
        if (first === undefined) return yield* Effect.die(new Error(`job ${claim.jobId} is not finished but all of its stages are`))
        let row = yield* database.transaction((tx) => transitions.beginStage(tx, claim, first))
        while (true) {
          const current: StageRow = row
          const outcome = yield* runStage(claim, current, outputs, (fraction) => (weightBefore(current.position) + weightOf(current) * fraction) / totalWeight).pipe(
            Effect.annotateLogs({ stage: current.name }),
            Effect.exit,
            Effect.map((exit) => ({ _tag: "Ended" as const, exit })),
            Effect.raceFirst(Effect.map(Deferred.await(stop), (reason) => ({ _tag: "Stopped" as const, reason })))
          )
          if (outcome._tag === "Stopped") {
            if (outcome.reason === "CANCEL") return yield* database.transaction((tx) => transitions.endCancelledJob(tx, services, claim))
            if (outcome.reason === "SHUTDOWN") return yield* database.transaction((tx) => transitions.releaseJob(tx, services, claim, current))
            return
          }
          const finished = yield* Exit.match(outcome.exit, {
            onSuccess: (result: StageResult<unknown>) => {
              const next = claim.stages[current.position + 1]
              const progress = weightBefore(current.position + 1) / totalWeight
              return database.transaction((tx) => transitions.finishStage(tx, services, claim, current, result, next, progress)).pipe(
                Effect.tap(() => Effect.sync(() => outputs.set(current.name, result.output))),
                Effect.exit
              )
            },
            onFailure: (cause) => Effect.succeed(Exit.failCause(cause))
          })
          if (Exit.isFailure(finished)) {
            const failed = Cause.findErrorOption(finished.cause)
            if (Option.isSome(failed) && failed.value._tag === "Superseded") return yield* failed.value
            if (isConnectionLost(finished.cause)) return yield* Effect.failCause(finished.cause as Cause.Cause<never>)
            const failure = Option.isSome(failed) && isFailure(failed.value) ? atStage(failed.value, current.name) : yield* incident(finished.cause)
            return yield* failStage(claim, current, failure)
          }
          if (finished.value._tag === "CancelRequested") return yield* database.transaction((tx) => transitions.endCancelledJob(tx, services, claim))
          if (finished.value._tag === "Succeeded") return
          row = finished.value.stage
        }
      })

      const run = Effect.fn("Runner.run")(function*(delivery: Delivery, node: string, stop: Deferred.Deferred<StopReason>) {
        const claimed = yield* claimJob(delivery, node)
        if (claimed._tag === "Idle") {
          if (claimed.reason === "gone") yield* Effect.logInfo("A queue entry names a job that does not exist; it was removed")
          return
        }
        const { job, stages } = claimed
        const definition = kinds.get(job.kind as never)
        if (definition === undefined) return yield* Effect.die(new Error(`no kind of job is registered as ${job.kind}`))
        const options = yield* Schema.decodeUnknownEffect(definition.options)(job.options).pipe(Effect.orDie)
        const claim: transitions.Claim = { delivery, definition, jobId: job.id, trackId: job.track_id, attempt: job.attempt, options, stages }
        if (claimed._tag === "CancelRequested") {
          yield* database.transaction((tx) => transitions.endCancelledJob(tx, services, claim))
        } else if (delivery.lostDeliveries >= maxLostDeliveries) {
          const failure = yield* incident(Cause.die(new Error(`the worker of this job vanished ${delivery.lostDeliveries} times`)))
          yield* database.transaction((tx) => transitions.failJob(tx, services, claim, stages.find((stage) => stage.status === "RUNNING"), failure))
        } else {
          yield* work(claim, stop)
        }
      }, (effect, delivery) =>
        effect.pipe(
          Effect.catchTag("Superseded", () => Effect.logInfo("Another run has taken the job over, or it has ended; this run writes nothing more")),
          Effect.catchCause((cause) => Effect.logWarning("The run ended without a result; the queue will deliver the job again", cause)),
          Effect.annotateLogs({ jobId: delivery.jobId })
        ))

      return Runner.of({ run })
    })
  )
}
