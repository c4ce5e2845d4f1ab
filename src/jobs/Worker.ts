/**
 * Takes jobs whenever a slot is free: at once when an entry is announced or a slot is freed, and by a slow poll in case
 * an announcement was lost.
 */
import { Context, Deferred, Effect, FiberSet, Latch, Layer, Metric } from "effect"
import type { JobKind, JobStatus } from "../domain/Job.ts"
import { observeGauge } from "../domain/observe.ts"
import { Database } from "../persistence/Database.ts"
import type { Claim } from "./Claim.ts"
import { controlChannel } from "./jobLog.ts"
import { Queue } from "./Queue.ts"
import { Runner, type StopReason } from "./Runner.ts"
import type { Taken } from "./take.ts"

const pollInterval = "1 second"
/** Well within the time after which pg-boss takes a silent worker for dead. */
const heartbeatInterval = "3 seconds"
/** How long a stop waits for stages to be interrupted and given back. */
const stopTimeout = "10 seconds"

const slots = Metric.gauge("playhead_worker_slots", { description: "How many jobs this node may work on at once." })
const occupied = Metric.gauge("playhead_worker_jobs_running", { description: "Jobs that this node works on." })

export interface WorkerSettings {
  /** How many jobs this node works on at once. */
  readonly concurrency: number
  /** How many of one kind, where it is fewer. */
  readonly kindConcurrency: ReadonlyMap<JobKind, number>
}

interface Running {
  readonly claim: Claim
  readonly stop: Deferred.Deferred<StopReason>
}

export class Worker extends Context.Service<Worker, {
  /** How many jobs run on this node now, and how many may. */
  readonly load: Effect.Effect<{ readonly running: number; readonly slots: number }>
  readonly runs: (jobId: string) => boolean
}>()("playhead/jobs/Worker") {
  static readonly layer = (settings: WorkerSettings) =>
    Layer.effect(
      Worker,
      Effect.gen(function*() {
        const database = yield* Database
        const queue = yield* Queue
        const runner = yield* Runner
        const fibers = yield* FiberSet.make()
        const running = new Map<string, Running>()
        /** A slot that is free but spoken for, while entries are being taken. */
        let taking = 0
        const wake = yield* Latch.make(true)
        const isFull = () => running.size + taking >= settings.concurrency
        const runs = (jobId: string) => running.has(jobId)

        const start = Effect.fnUntraced(function*(claim: Claim) {
          const stop = yield* Deferred.make<StopReason>()
          running.set(claim.jobId, { claim, stop })
          yield* FiberSet.run(
            fibers,
            runner.run(claim, { stop, isFull }).pipe(
              Effect.ensuring(Effect.suspend(() => {
                running.delete(claim.jobId)
                return Latch.open(wake)
              }))
            )
          )
        })

        /** How many more of each kind with a limit may run here. */
        const kindsLeft = (): ReadonlyArray<readonly [JobKind, number]> =>
          [...settings.kindConcurrency].map(([kind, limit]) => [kind, limit - [...running.values()].filter(({ claim }) => claim.definition.kind === kind).length])

        const exhausted = (left: ReturnType<typeof kindsLeft>) => left.flatMap(([kind, count]) => count > 0 ? [] : [kind])

        const accept = (taken: Taken): Effect.Effect<void> => {
          switch (taken._tag) {
            case "Settled": return Effect.void
            case "RunsHere": return Effect.sync(() => {
              const run = running.get(taken.delivery.jobId)
              if (run !== undefined) run.claim.delivery = taken.delivery
            })
            case "Claimed": return start(taken.claim)
          }
        }

        /** Takes at once what the free slots have room for, whatever kinds come: of one with a limit no more than are left. Returns whether there may be more. */
        const takeSome = Effect.suspend(() => {
          const left = kindsLeft()
          const limit = Math.min(settings.concurrency - running.size, ...left.flatMap(([, count]) => count > 0 ? [count] : []))
          taking = 1
          return runner.take({ limit, except: exhausted(left), runsHere: runs }).pipe(
            Effect.tap((taken) => Effect.forEach(taken, accept, { discard: true })),
            Effect.map((taken) => taken.length === limit),
            Effect.ensuring(Effect.sync(() => { taking = 0 }))
          )
        })

        const fill = Effect.gen(function*() {
          let more = true
          while (more && !isFull()) more = yield* takeSome
        }).pipe(
          // Or a job could be claimed and not run.
          Effect.uninterruptible
        )

        /** Until something is announced or a slot is freed, or a poll finds an entry: taking writes, and an idle node is to write nothing. */
        const untilWork = Latch.whenOpen(wake, Effect.succeed(true)).pipe(
          Effect.timeoutOrElse({ duration: pollInterval, orElse: () => isFull() ? Effect.succeed(false) : queue.isDue(exhausted(kindsLeft())) }),
          Effect.repeat({ until: (found) => found })
        )

        /** A run is told to stop by the job's row; the announcement says only when to look. */
        const obey = Effect.fnUntraced(function*(jobId: string) {
          const concerned = [...running.values()].filter((run) => jobId === "" || run.claim.jobId === jobId)
          if (concerned.length === 0) return
          const rows = yield* database.query<{ id: string; status: JobStatus; attempt: number }>(
            "jobs.control",
            "select id, status, attempt from job where id = any($1::uuid[])",
            [concerned.map((run) => run.claim.jobId)]
          )
          const now = new Map(rows.map((row) => [row.id, row]))
          for (const { claim, stop } of concerned) {
            const job = now.get(claim.jobId)
            if (job === undefined || job.attempt !== claim.attempt) yield* Deferred.succeed(stop, "SUPERSEDED")
            else if (job.status === "CANCELLING") yield* Deferred.succeed(stop, "CANCEL")
          }
        })

        const survive = <A>(what: string, effect: Effect.Effect<A>) =>
          effect.pipe(Effect.catchCause((cause) => Effect.logWarning(`${what} failed; it will be tried again`, cause)))

        // Last in, first out: taking ends first, then the runs are given back, while database and queue still work.
        yield* Effect.addFinalizer(() =>
          Effect.gen(function*() {
            yield* Effect.forEach([...running.values()], ({ stop }) => Deferred.succeed(stop, "SHUTDOWN"), { discard: true })
            yield* FiberSet.awaitEmpty(fibers).pipe(Effect.timeoutOption(stopTimeout))
          })
        )
        yield* queue.onEntries(() => Latch.openUnsafe(wake))
        const forkBackground = yield* FiberSet.makeRuntime()
        yield* database.listen(controlChannel, (jobId) => forkBackground(survive("Looking for runs to stop", obey(jobId))))
        yield* Effect.forkScoped(
          Effect.gen(function*() {
            yield* Latch.close(wake)
            yield* survive("Taking jobs", fill)
            yield* survive("Looking for jobs", untilWork)
          }).pipe(Effect.forever)
        )
        yield* Effect.forkScoped(
          Effect.suspend(() => running.size === 0 ? Effect.void : survive("The heartbeat", queue.heartbeat([...running.values()].map(({ claim }) => claim.delivery)))).pipe(
            Effect.delay(heartbeatInterval),
            Effect.forever
          )
        )
        yield* observeGauge(slots, () => settings.concurrency)
        yield* observeGauge(occupied, () => running.size)
        return Worker.of({ load: Effect.sync(() => ({ running: running.size, slots: settings.concurrency })), runs })
      })
    )
}
