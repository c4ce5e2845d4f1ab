import { Context, Effect, Layer, type Scope } from "effect"
import type { NotFoundError } from "../domain/errors.ts"
import type { Feed } from "../domain/Feed.ts"
import type { JobEvent } from "../domain/JobEvent.ts"
import { Database } from "../persistence/Database.ts"
import { type JobCriteria, type JobRecord, matchingJobs, matchingJobsSince } from "../persistence/reads/jobs.ts"
import { jobChannel } from "./jobLog.ts"
import { sharedFeeds } from "./sharedFeeds.ts"
import { watchLog } from "./watchedLog.ts"
import { watchRows } from "./watchedRows.ts"

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

      const log = yield* sharedFeeds((jobId) =>
        watchLog(jobId, (jobId, wake) => {
          watchers.set(jobId, wake)
          return () => watchers.get(jobId) === wake && watchers.delete(jobId)
        })
      )
      const changed = yield* sharedFeeds((key) => {
        const criteria = JSON.parse(key) as JobCriteria
        return watchRows<JobRecord>({
          name: `jobChanged:${key}`,
          matching: (ids) => matchingJobs(criteria, ids),
          matchingSince: (since) => matchingJobsSince(criteria, since),
          onAnnounced: (tell) => {
            changeWatchers.add(tell)
            return () => changeWatchers.delete(tell)
          }
        })
      })

      // An announcement without an id says that any may have been missed.
      yield* database.listen(jobChannel, (jobId) => {
        if (jobId === "") for (const wake of watchers.values()) wake()
        else watchers.get(jobId)?.()
        for (const tell of changeWatchers) tell(jobId)
      })

      return JobEvents.of({
        log,
        changed: ({ degraded, kind, status, trackId }) => changed(JSON.stringify({ kind: kind?.toSorted(), status: status?.toSorted(), trackId, degraded }))
      })
    })
  )
}
