import { Effect } from "effect"
import type { Database } from "../persistence/Database.ts"

const batchSize = 500

/**
 * Removes the events of jobs that ended so many days ago, all but the last one, so that whoever watches such a job still
 * learns how it ended. Returns how many jobs that concerned.
 */
export const shortenLogs = Effect.fn("jobs.shortenLogs")(function*(database: Database["Service"], retentionDays: number) {
  let total = 0
  while (true) {
    const shortened = yield* database.transaction((tx) =>
      tx.query(
        `with old as (
           select id, last_sequence from job
           where finished_at is not null and not log_shortened and finished_at < now() - make_interval(days => $1)
           order by finished_at limit ${batchSize} for update skip locked
         ), gone as (
           delete from job_event e using old where e.job_id = old.id and e.sequence < old.last_sequence
         )
         update job set log_shortened = true from old where job.id = old.id returning job.id`,
        [retentionDays]
      )
    )
    total += shortened.length
    if (shortened.length < batchSize) return total
  }
})
