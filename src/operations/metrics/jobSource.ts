/** How much work there is, on all nodes of the database together. */
import { Effect, Metric } from "effect"
import { type JobKind, JobStatus, isTerminal } from "../../domain/Job.ts"
import { metricFamily } from "../../domain/metricFamily.ts"
import { JobKinds } from "../../jobs/JobKinds.ts"
import { Queue } from "../../jobs/Queue.ts"
import { Database } from "../../persistence/Database.ts"
import type { MetricSource, Sample } from "./Metrics.ts"

const jobs = metricFamily(["kind", "status"], (attributes) => Metric.gauge("playhead_jobs", { description: "Unfinished jobs, on all nodes.", attributes }))
const oldest = metricFamily(["kind"], (attributes) =>
  Metric.gauge("playhead_jobs_oldest_queued_age_seconds", { description: "How long the oldest job that waits for a free slot has been there; 0 when none waits.", attributes }))
const entries = Metric.gauge("playhead_job_queue_entries", { description: "Entries of the queue, waiting or worked on, on all nodes." })

interface Row {
  readonly kind: JobKind
  readonly status: JobStatus
  readonly count: number
  readonly age: number
}

const unfinished = JobStatus.literals.filter((status) => !isTerminal(status))

export const jobSource: Effect.Effect<MetricSource, never, Database | JobKinds | Queue> = Effect.gen(function*() {
  const database = yield* Database
  const queue = yield* Queue
  const kinds = yield* JobKinds
  const count = database.query<Row>(
    "metrics.jobs",
    `select kind, status, count(*)::int as count, extract(epoch from clock_timestamp() - min(created_at))::float8 as age
     from job where status = any($1::text[]) group by kind, status`,
    [unfinished]
  )
  return {
    name: "jobs",
    read: Effect.gen(function*() {
      const rows = yield* count
      const depth = yield* queue.depth
      const known = new Set([...kinds.keys(), ...rows.map(({ kind }) => kind)])
      const of = (kind: JobKind, status: JobStatus) => rows.find((row) => row.kind === kind && row.status === status)
      return [...known].flatMap((kind): ReadonlyArray<Sample> => [
        ...unfinished.map((status) => [jobs(kind, status), of(kind, status)?.count ?? 0] as const),
        [oldest(kind), Math.max(0, of(kind, "QUEUED")?.age ?? 0)]
      ]).concat([[entries, depth]])
    })
  }
})
