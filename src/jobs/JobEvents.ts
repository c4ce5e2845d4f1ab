import { Array as Arr, Cause, Context, Effect, Latch, Layer, Stream } from "effect"
import { NotFoundError } from "../domain/errors.ts"
import { isTerminal, type JobStatus } from "../domain/Job.ts"
import { decodeEventBody, isTerminalEvent, type JobEvent } from "../domain/JobEvent.ts"
import { Database } from "../persistence/Database.ts"
import { jobChannel } from "./jobLog.ts"

/** How many events one read brings; a replay of a long log takes several. */
const pageSize = 200
/** An announcement is only a hint and may be lost with its connection; nobody waits longer than this for the next look. */
const safetyPoll = "10 seconds"

interface EventRow {
  readonly sequence: number
  readonly kind: string
  readonly data: object
  readonly at: Date
}

/** Watching jobs. */
export class JobEvents extends Context.Service<JobEvents, {
  /**
   * The events of a job behind `afterSequence`: the stored ones, then live ones, without gap or repeat, whichever node
   * writes them; ends after the terminal one. Pull-based: a slow consumer holds nothing in memory.
   * `jobId` is the bare uuid.
   */
  readonly follow: (jobId: string, afterSequence: number) => Effect.Effect<Stream.Stream<JobEvent>, NotFoundError>
  /** Ids of jobs that changed since the stream was opened, in batches of distinct ids; a slow consumer gets larger batches. `null` means that anything may have changed (the listening connection was lost for a while). */
  readonly changes: Stream.Stream<ReadonlyArray<string> | null>
}>()("playhead/jobs/JobEvents") {
  static readonly layer = Layer.effect(
    JobEvents,
    Effect.gen(function*() {
      const database = yield* Database
      /** Whoever waits for a job's next event; the announcement opens the latches. */
      const waiting = new Map<string, Set<Latch.Latch>>()
      const watchers = new Set<(jobId: string) => void>()

      yield* database.listen(jobChannel, (jobId) => {
        const woken = jobId === "" ? [...waiting.values()] : [waiting.get(jobId) ?? []]
        for (const latches of woken) for (const latch of latches) Latch.openUnsafe(latch)
        for (const watcher of watchers) watcher(jobId)
      })

      const subscribe = (jobId: string) =>
        Effect.acquireRelease(
          Effect.map(Latch.make(false), (latch) => {
            const latches = waiting.get(jobId) ?? new Set()
            waiting.set(jobId, latches.add(latch))
            return latch
          }),
          (latch) =>
            Effect.sync(() => {
              const latches = waiting.get(jobId)
              latches?.delete(latch)
              if (latches?.size === 0) waiting.delete(jobId)
            })
        )

      const read = (jobId: string, after: number) =>
        database.query<EventRow>(
          "jobEvents.after",
          `select sequence, kind, data, at from job_event where job_id = $1 and sequence > $2 order by sequence limit ${pageSize}`,
          [jobId, after]
        )

      const follow = Effect.fn("JobEvents.follow")(function*(jobId: string, afterSequence: number) {
        const rows = yield* database.query<{ status: JobStatus; last_sequence: number }>("jobEvents.job", "select status, last_sequence from job where id = $1", [jobId])
        const job = rows[0]
        if (job === undefined) return yield* new NotFoundError({ message: "There is no such job.", id: jobId })
        // Behind the end of a finished log there is nothing to come; without this the stream would never end.
        if (isTerminal(job.status) && afterSequence >= job.last_sequence) return Stream.empty
        return Stream.fromPull(Effect.gen(function*() {
          // Subscribed before the first read: what is written in between is announced and found by the next one.
          const latch = yield* subscribe(jobId)
          let last = afterSequence
          let ended = false
          return Effect.gen(function*() {
            while (!ended) {
              yield* Latch.close(latch)
              const page = yield* read(jobId, last)
              const events = page.map((row): JobEvent => ({ jobId, sequence: row.sequence, at: row.at, body: decodeEventBody({ _tag: row.kind, ...row.data }) }))
              if (Arr.isReadonlyArrayNonEmpty(events)) {
                const newest = Arr.lastNonEmpty(events)
                last = newest.sequence
                ended = isTerminalEvent(newest)
                return events
              }
              yield* Effect.timeoutOption(Latch.whenOpen(latch, Effect.void), safetyPoll)
            }
            return yield* Cause.done()
          })
        })).pipe(Stream.scoped)
      })

      const changes = Stream.fromPull(Effect.gen(function*() {
        const changed = new Set<string>()
        const latch = yield* Latch.make(false)
        const watcher = (jobId: string) => {
          changed.add(jobId)
          Latch.openUnsafe(latch)
        }
        yield* Effect.acquireRelease(Effect.sync(() => watchers.add(watcher)), () => Effect.sync(() => watchers.delete(watcher)))
        return Effect.gen(function*() {
          yield* Latch.whenOpen(latch, Effect.void)
          yield* Latch.close(latch)
          const ids = changed.has("") ? null : [...changed]
          changed.clear()
          return Arr.of(ids)
        })
      })).pipe(Stream.scoped)

      return JobEvents.of({ follow, changes })
    })
  )
}
