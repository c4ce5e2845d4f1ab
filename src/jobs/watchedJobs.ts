/** Jobs as they change while they are watched: each change is read once, however many watch. */
import { Clock, Effect, Latch, type Scope } from "effect"
import type { Feed, FeedEntry } from "../domain/Feed.ts"
import type { Database } from "../persistence/Database.ts"
import { type JobCriteria, type JobRecord, matchingJobs, matchingJobsSince } from "../persistence/reads/jobs.ts"
import { makeFeedSource } from "./feedSource.ts"
import { throughOutages } from "./outages.ts"

/** By so much the clocks of two nodes may differ. Who reads a little too much is told of a job twice, which does no harm. */
const clockSlackMs = 60_000

/**
 * The jobs that match, each time one changes; of a reader that is behind, each job's newest state. Positions are times,
 * a number for each change: so what a reader missed can be asked of the database. Behind position 0 stand all unfinished
 * jobs that match. `onAnnounced` registers what to call with the id of each job that changes, and with "" when any may have.
 */
export const watchJobs = Effect.fn("jobs.watchJobs")(function*(
  name: string,
  criteria: JobCriteria,
  onAnnounced: (tell: (jobId: string) => void) => () => void
): Effect.fn.Return<Feed<JobRecord>, never, Database | Scope.Scope> {
  const services = yield* Effect.context<Database>()
  const source = makeFeedSource<JobRecord>(yield* Clock.currentTimeMillis)
  const changed = new Set<string>()
  const latch = yield* Latch.make(false)
  let heardAt = source.newest()

  const tell = (jobId: string): void => {
    changed.add(jobId)
    latch.openUnsafe()
  }
  yield* Effect.acquireRelease(Effect.sync(() => onAnnounced(tell)), (stop) => Effect.sync(stop))

  const since = (time: number) => matchingJobsSince(criteria, new Date(time - clockSlackMs))
  const read = (ids: ReadonlyArray<string>) => ids.includes("") ? since(heardAt) : matchingJobs(criteria, ids)

  const tail = Effect.gen(function*() {
    while (true) {
      yield* latch.await
      yield* latch.close
      const ids = [...changed]
      changed.clear()
      const now = yield* Clock.currentTimeMillis
      // An outage loses none of them.
      const jobs = yield* Effect.onError(read(ids), () => Effect.sync(() => ids.forEach(tell)))
      heardAt = now
      const first = Math.max(source.newest() + 1, now)
      const entries = jobs.map((job, index): FeedEntry<JobRecord> => ({ position: first + index, value: job, subject: job.id, last: false }))
      if (entries.length > 0) source.publish(entries)
    }
  })
  yield* Effect.forkScoped(Effect.onError(throughOutages(tail), (failure) => Effect.sync(() => source.end({ failure }))))

  return {
    name,
    newest: source.newest,
    ended: source.ended,
    listen: source.listen,
    stored: (after) =>
      Effect.suspend(() => {
        const until = source.newest()
        const jobs = after === 0 ? matchingJobs(criteria, null) : since(after)
        return Effect.map(throughOutages(jobs), (jobs) => ({ entries: jobs.map((job) => ({ position: until, value: job, subject: job.id, last: false })), until }))
      }).pipe(Effect.provideContext(services))
  }
})
