/**
 * Pulls jobs from the queue whenever a slot is free: at once when an entry is announced or a slot is freed, and by a
 * slow poll in case an announcement was lost.
 */
import { Context, Deferred, Effect, FiberSet, Latch, Layer } from "effect"
import { Database } from "../persistence/Database.ts"
import { jobChannel } from "./jobLog.ts"
import { Node } from "./Node.ts"
import { type Delivery, Queue } from "./Queue.ts"
import { Runner, type StopReason } from "./Runner.ts"

const pollInterval = "2 seconds"
/** Well within the time after which pg-boss takes a silent worker for dead. */
const heartbeatInterval = "3 seconds"
/** How long a stop waits for stages to be interrupted and given back. */
const stopTimeout = "10 seconds"

interface Running {
  readonly delivery: Delivery
  readonly stop: Deferred.Deferred<StopReason>
}

export class Worker extends Context.Service<Worker, {
  /** How many jobs run on this node now, and how many may. */
  readonly load: Effect.Effect<{ readonly running: number; readonly slots: number }>
}>()("playhead/jobs/Worker") {
  static readonly layer = (settings: { readonly concurrency: number }) =>
    Layer.effect(
      Worker,
      Effect.gen(function*() {
        const database = yield* Database
        const queue = yield* Queue
        const runner = yield* Runner
        const node = yield* Node
        const fibers = yield* FiberSet.make()
        const running = new Map<string, Running>()
        const wake = yield* Latch.make(true)

        const stopRun = (run: Running, reason: StopReason) => Deferred.succeed(run.stop, reason)

        const start = Effect.fnUntraced(function*(delivery: Delivery) {
          // On a machine too busy for its heartbeats an entry can come again while its job still runs here: it goes on.
          if (running.has(delivery.entryId)) return
          const stop = yield* Deferred.make<StopReason>()
          const run: Running = { delivery, stop }
          running.set(delivery.entryId, run)
          yield* FiberSet.run(
            fibers,
            runner.run(delivery, node.id, stop).pipe(
              Effect.ensuring(Effect.suspend(() => {
                running.delete(delivery.entryId)
                return Latch.open(wake)
              }))
            )
          )
        })

        const pull = Effect.gen(function*() {
          const free = settings.concurrency - running.size
          if (free <= 0) return
          const deliveries = yield* queue.fetch(free)
          yield* Effect.forEach(deliveries, start, { discard: true })
        })

        /** Cancellation is asked for in the job's row; whoever runs the job is told by the announcement of the change. */
        const obeyCancellations = Effect.fnUntraced(function*(jobId: string) {
          const concerned = [...running.values()].filter((run) => jobId === "" || run.delivery.jobId === jobId)
          if (concerned.length === 0) return
          const rows = yield* database.query<{ id: string }>(
            "jobs.cancelling",
            "select id from job where status = 'CANCELLING' and id = any($1::uuid[])",
            [concerned.map((run) => run.delivery.jobId)]
          )
          const cancelled = new Set(rows.map((row) => row.id))
          yield* Effect.forEach(concerned.filter((run) => cancelled.has(run.delivery.jobId)), (run) => stopRun(run, "CANCEL"), { discard: true })
        })

        const survive = <A>(what: string, effect: Effect.Effect<A>) =>
          effect.pipe(Effect.catchCause((cause) => Effect.logWarning(`${what} failed; it will be tried again`, cause)))

        // Last in, first out: pulling ends first, then the runs are given back, while database and queue still work.
        yield* Effect.addFinalizer(() =>
          Effect.gen(function*() {
            yield* Effect.forEach([...running.values()], (run) => stopRun(run, "SHUTDOWN"), { discard: true })
            yield* FiberSet.awaitEmpty(fibers).pipe(Effect.timeoutOption(stopTimeout))
          })
        )
        yield* queue.onEntries(() => Latch.openUnsafe(wake))
        const forkBackground = yield* FiberSet.makeRuntime()
        yield* database.listen(jobChannel, (jobId) => forkBackground(survive("Looking for cancellations", obeyCancellations(jobId))))
        yield* Effect.forkScoped(
          Effect.gen(function*() {
            yield* Latch.close(wake)
            yield* survive("Fetching jobs", pull)
            yield* Effect.timeoutOption(Latch.whenOpen(wake, Effect.void), pollInterval)
          }).pipe(Effect.forever)
        )
        yield* Effect.forkScoped(
          Effect.suspend(() => running.size === 0 ? Effect.void : survive("The heartbeat", queue.heartbeat([...running.keys()]))).pipe(
            Effect.delay(heartbeatInterval),
            Effect.forever
          )
        )
        return Worker.of({ load: Effect.sync(() => ({ running: running.size, slots: settings.concurrency })) })
      })
    )
}
