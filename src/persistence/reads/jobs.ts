/** Jobs, their stages and their logs as the API reads them. */
import { Effect } from "effect"
import type { JobKind, JobStatus, StageName, StageStatus } from "../../domain/Job.ts"
import type { QualityTier } from "../../domain/Track.ts"
import { Database } from "../Database.ts"
import { type Page, type PageRequest, readPage } from "./page.ts"
import { type Wanted, wantedColumns } from "./wantedColumns.ts"

export interface JobRecord {
  readonly id: string
  readonly kind: JobKind
  readonly status: JobStatus
  readonly priority: number
  readonly progress: number
  readonly degraded: boolean
  readonly attempt: number
  readonly failure: unknown
  readonly trackId: string | null
  readonly retryOf: string | null
  readonly idempotencyKey: string | null
  readonly lastSequence: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

export interface StageRecord {
  readonly jobId: string
  readonly name: StageName
  readonly status: StageStatus
  readonly progress: number
  readonly attempt: number
  readonly provider: string | null
  readonly quality: QualityTier | null
  readonly degradedFrom: QualityTier | null
  readonly failure: unknown
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

const columns = `
  j.id, j.kind, j.status, j.priority, j.progress, j.degraded, j.attempt, j.failure, j.track_id as "trackId", j.retry_of as "retryOf",
  j.idempotency_key as "idempotencyKey", j.last_sequence as "lastSequence",
  j.created_at as "createdAt", j.updated_at as "updatedAt", j.started_at as "startedAt", j.finished_at as "finishedAt"`

export const jobsById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<JobRecord>("jobs.byId", `select ${columns} from job j where j.id = any($1::uuid[])`, [ids])
})

/** Without what the stages keep for later runs. */
export const stagesByJob = Effect.fnUntraced(function* (jobIds: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<StageRecord>(
    "stages.byJob",
    `select job_id as "jobId", name, status, progress, attempt, provider, quality, degraded_from as "degradedFrom", failure,
       started_at as "startedAt", finished_at as "finishedAt"
     from job_stage where job_id = any($1::uuid[]) order by job_id, position`,
    [jobIds]
  )
})

const columnsFor = wantedColumns(columns, { always: ["id", "kind", "status", "trackId"], of: { estimatedFinishAt: "all" } })

/** Of them only what the fields need that are wanted. */
export const latestJobByTrack = Effect.fnUntraced(function* (trackIds: ReadonlyArray<string>, wanted: Wanted) {
  const database = yield* Database
  const { key, sql } = columnsFor(wanted)
  return yield* database.query<JobRecord>(
    `jobs.latestByTrack.${key}`,
    `select ${sql} from unnest($1::uuid[]) as asked(id)
     cross join lateral (select * from job where track_id = asked.id order by created_at desc, id desc limit 1) as j`,
    [trackIds]
  )
})

/** Everything that is not given matches. */
export interface JobCriteria {
  readonly kind?: ReadonlyArray<JobKind> | null | undefined
  readonly status?: ReadonlyArray<JobStatus> | null | undefined
  readonly trackId?: string | null | undefined
  readonly degraded?: boolean | null | undefined
}

const conditions = `
  ($1::text[] is null or j.kind = any($1)) and ($2::text[] is null or j.status = any($2))
  and ($3::uuid is null or j.track_id = $3) and ($4::boolean is null or j.degraded = $4)`

const parameters = (criteria: JobCriteria): ReadonlyArray<unknown> => [criteria.kind ?? null, criteria.status ?? null, criteria.trackId ?? null, criteria.degraded ?? null]

/** Newest first. */
export const jobPage = (criteria: JobCriteria, page: PageRequest): Effect.Effect<Page<JobRecord>, never, Database> =>
  readPage<JobRecord>({ name: "jobs.page", columns, from: "job j", id: "j.id", conditions, parameters: parameters(criteria) }, page)

export const countJobs = Effect.fnUntraced(function* (criteria: JobCriteria) {
  const database = yield* Database
  const rows = yield* database.query<{ count: number }>("jobs.count", `select count(*)::int as count from job j where ${conditions}`, parameters(criteria))
  return rows[0]?.count ?? 0
})

export interface TrackJobsRequest {
  readonly trackId: string
  readonly page: PageRequest
}

/** For each request, by its place in `asked`: a page of a track's jobs, from its near end, one more than the page where there are more. */
export const jobPagesByTrack = Effect.fnUntraced(function* (requests: ReadonlyArray<TrackJobsRequest>) {
  const database = yield* Database
  const pageIn = (direction: "asc" | "desc") => `
    select * from job
    where track_id = a.track_id and a.backward = ${direction === "asc"} and (a.after is null or id < a.after) and (a.before is null or id > a.before)
    order by id ${direction} limit a.size + 1`
  return yield* database.query<JobRecord & { readonly asked: number }>(
    "jobs.pagesByTrack",
    `select a.n::int as asked, ${columns}
     from unnest($1::uuid[], $2::boolean[], $3::int[], $4::uuid[], $5::uuid[]) with ordinality as a (track_id, backward, size, after, before, n)
     cross join lateral ((${pageIn("desc")}) union all (${pageIn("asc")})) as j
     order by a.n, case when a.backward then j.id end, j.id desc`,
    [
      requests.map(({ trackId }) => trackId),
      requests.map(({ page }) => page.backward),
      requests.map(({ page }) => page.size),
      requests.map(({ page }) => page.after ?? null),
      requests.map(({ page }) => page.before ?? null)
    ]
  )
})

/** Without the tracks that have none. */
export const countJobsByTrack = Effect.fnUntraced(function* (trackIds: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<{ readonly trackId: string; readonly count: number }>(
    "jobs.countByTrack",
    `select track_id as "trackId", count(*)::int as count from job where track_id = any($1::uuid[]) group by track_id`,
    [trackIds]
  )
})

/** Those of the jobs that match, or all unfinished ones that do when no ids are given. */
export const matchingJobs = Effect.fnUntraced(function* (criteria: JobCriteria, ids: ReadonlyArray<string> | null) {
  const database = yield* Database
  return yield* database.query<JobRecord>(
    "jobs.matching",
    `select ${columns} from job j where ${conditions}
       and case when $5::uuid[] is null then j.status not in ('SUCCEEDED', 'FAILED', 'CANCELLED') else j.id = any($5) end
     order by j.id`,
    [...parameters(criteria), ids]
  )
})

/** All unfinished jobs that match, and those that ended and changed no earlier than `since`. */
export const matchingJobsSince = Effect.fnUntraced(function* (criteria: JobCriteria, since: Date) {
  const database = yield* Database
  return yield* database.query<JobRecord>(
    "jobs.matchingSince",
    `select ${columns} from job j where ${conditions} and (j.status not in ('SUCCEEDED', 'FAILED', 'CANCELLED') or j.updated_at >= $5)
     order by j.id`,
    [...parameters(criteria), since]
  )
})

/** How many jobs are to be delivered before each of these, which are queued. */
export const queuePositions = Effect.fnUntraced(function* (jobIds: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<{ id: string; position: number }>(
    "jobs.queuePositions",
    `select j.id, (
       select count(*)::int from job o
       where o.status = 'QUEUED' and (o.priority > j.priority or (o.priority = j.priority and (o.created_at, o.id) < (j.created_at, j.id)))
     ) as position
     from job j where j.id = any($1::uuid[]) and j.status = 'QUEUED'`,
    [jobIds]
  )
})

export interface StageSpeedRecord {
  readonly kind: JobKind
  readonly stage: StageName
  readonly durationMs: number
  readonly perAudioMs: number | null
}

/** How many jobs back the history of speeds goes. */
const historyJobs = 20

/** What the stages of the last succeeded jobs of these kinds took, in the mean and for the length of their audio. */
export const stageSpeeds = Effect.fnUntraced(function* (kinds: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<StageSpeedRecord>(
    "stages.speeds",
    `select asked.kind, s.name as stage, avg(s.ms)::float8 as "durationMs",
       (sum(s.ms) filter (where t.duration_ms > 0) / sum(t.duration_ms) filter (where t.duration_ms > 0))::float8 as "perAudioMs"
     from unnest($1::text[]) as asked (kind)
     cross join lateral (
       select id, track_id from job where kind = asked.kind and status = 'SUCCEEDED' and finished_at is not null order by finished_at desc limit ${historyJobs}
     ) as j
     cross join lateral (
       select name, extract(epoch from finished_at - started_at) * 1000 as ms from job_stage where job_id = j.id and status = 'SUCCEEDED'
     ) as s
     left join track t on t.id = j.track_id
     group by asked.kind, s.name`,
    [kinds]
  )
})

export interface EventRecord {
  readonly jobId: string
  readonly sequence: number
  readonly kind: string
  readonly data: object
  readonly at: Date
}

export interface EventsRequest {
  readonly jobId: string
  readonly afterSequence: number
  readonly limit: number
}

/** For each request, by its place in `asked`: a job's events behind a sequence, oldest first. */
export const eventsByJob = Effect.fnUntraced(function* (requests: ReadonlyArray<EventsRequest>) {
  const database = yield* Database
  return yield* database.query<EventRecord & { readonly asked: number }>(
    "jobEvents.byJob",
    `select a.n::int as asked, e.job_id as "jobId", e.sequence, e.kind, e.data, e.at
     from unnest($1::uuid[], $2::int[], $3::int[]) with ordinality as a (job_id, after_sequence, size, n)
     cross join lateral (select * from job_event where job_id = a.job_id and sequence > a.after_sequence order by sequence limit a.size) as e
     order by a.n, e.sequence`,
    [requests.map(({ jobId }) => jobId), requests.map(({ afterSequence }) => afterSequence), requests.map(({ limit }) => limit)]
  )
})
