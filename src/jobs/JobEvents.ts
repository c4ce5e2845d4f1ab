import { Context, Effect, Layer, RcMap, type Scope } from "effect"
import type { NotFoundError } from "../domain/errors.ts"
import type { Feed } from "../domain/Feed.ts"
import type { JobEvent } from "../domain/JobEvent.ts"
import { withoutOrigin } from "../domain/Origin.ts"
import { Database } from "../persistence/Database.ts"
import type { JobCriteria, JobRecord } from "../persistence/reads/jobs.ts"
import { jobChannel } from "./jobLog.ts"
import { watchJobs } from "./watchedJobs.ts"
import { watchLog } from "./watchedLog.ts"

/** Watching jobs, whichever node works on them. All who watch the same share one feed, which is read once. */
export class JobEvents extends Context.Service<JobEvents, {
  /** A job's log, held while the scope is open. Positions are sequences; it ends with the terminal event. `jobId` is the bare uuid. */
  readonly log: (jobId: string) => Effect.Effect<Feed<JobEvent>, NotFoundError, Scope.Scope>
  /** The jobs that match as they change, held while the scope is open. Behind position 0 stand all unfinished ones that match. */
  readonly changed: (criteria: JobCriteria) => Effect.Effect<Feed<JobRecord>, never, Scope.Scope>
}>()("playhead/jobs/JobEvents") {
  static readonly layer = Layer.effect(
    JobEvents,
    Effect.gen(function*() {
      const database = yield* Database
      const watchers = new Map<string, () => void>()
      const changeWatchers = new Set<(jobId: string) => void>()

      const logs = yield* RcMap.make({
        lookup: (jobId: string) =>
          watchLog(jobId, (jobId, wake) => {
            watchers.set(jobId, wake)
            return () => watchers.get(jobId) === wake && watchers.delete(jobId)
          })
      })
      const changes = yield* RcMap.make({
        lookup: (criteria: string) =>
          watchJobs(`jobChanged:${criteria}`, JSON.parse(criteria) as JobCriteria, (tell) => {
            changeWatchers.add(tell)
            return () => changeWatchers.delete(tell)
          })
      })

      // An announcement without an id says that any may have been missed.
      yield* database.listen(jobChannel, (jobId) => {
        if (jobId === "") for (const wake of watchers.values()) wake()
        else watchers.get(jobId)?.()
        for (const tell of changeWatchers) tell(jobId)
      })

      /** A feed that failed has told those who held it; who comes later gets another. */
      const open = Effect.fnUntraced(function*<A extends object, E>(feeds: RcMap.RcMap<string, Feed<A>, E>, key: string) {
        const feed = yield* RcMap.get(feeds, key)
        if (feed.ended()?.failure === undefined) return feed
        yield* RcMap.invalidate(feeds, key)
        return yield* RcMap.get(feeds, key)
      })

      /** Whoever comes first begins a feed, but it is not part of his request. */
      const forAll = <A, E>(opening: Effect.Effect<A, E, Scope.Scope>) => Effect.updateContext(opening, (context: Context.Context<Scope.Scope>) => withoutOrigin(context))

      return JobEvents.of({
        log: (jobId) => forAll(open(logs, jobId)),
        changed: ({ degraded, kind, status, trackId }) => forAll(open(changes, JSON.stringify({ kind: kind?.toSorted(), status: status?.toSorted(), trackId, degraded })))
      })
    })
  )
}
