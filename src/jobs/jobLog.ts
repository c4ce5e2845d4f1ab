/**
 * The one way in which a job changes once it exists: its row is locked, the change and the events that tell of it are
 * written together, and whoever watches is told on commit. So sequences have no gaps, a finished job stays finished,
 * and a run that was replaced by another writes nothing. Times are the database's: nodes may disagree about theirs.
 */
import { Data, Effect } from "effect"
import { encodeFailure, type Failure } from "../domain/errorCatalog.ts"
import { canTransition, isTerminal, type JobKind, type JobStatus } from "../domain/Job.ts"
import { encodeEventBody, type JobEventBody } from "../domain/JobEvent.ts"
import type { Transaction } from "../persistence/Database.ts"
import { type StageChange, stageFromJson, type StageRow, updateStage } from "./stageRows.ts"

/** Told a job's id whenever its log has grown. A hint to read again, never the news itself. */
export const jobChannel = "playhead_job"

/** Told a job's id when the run that holds it may have to stop: the job is to be cancelled, or another run has it. */
export const controlChannel = "playhead_control"

/** This run may no longer write: the job is finished or gone, or another run has taken it over. */
export class Superseded extends Data.TaggedError("Superseded")<{ readonly jobId: string }> {}

export interface JobRow {
  readonly id: string
  readonly kind: JobKind
  readonly status: JobStatus
  readonly priority: number
  readonly track_id: string | null
  /** How often work on the job has begun; also the fencing token of the run that holds it. */
  readonly attempt: number
  readonly options: unknown
  readonly degraded: boolean
  readonly failure: unknown
  readonly retry_of: string | null
  readonly last_sequence: number
  readonly resume_at: Date | null
  readonly node: string | null
  readonly created_at: Date
  readonly request_id: string | null
  readonly traceparent: string | null
  /** Whether it holds files. */
  readonly holds_blobs: boolean
  /** The database's time when the row was read. */
  readonly now: Date
}

/** The columns of a job that a change may set. */
export interface JobPatch {
  readonly status?: JobStatus
  readonly priority?: number
  readonly attempt?: number
  readonly progress?: number
  readonly degraded?: boolean
  readonly failure?: Failure
  readonly awaiting?: string | null
  readonly resume_at?: Date | null
  readonly cancel_requested_at?: Date
  readonly node?: string | null
  readonly started_at?: Date
  readonly finished_at?: Date
}

/** An event to append. The key makes it the only one of its sort, so that a repeated write cannot double it. */
export interface Entry {
  readonly body: JobEventBody
  readonly dedupeKey: string
}

const jobColumns = `
  id, kind, status, priority, track_id, attempt, options, degraded, failure, retry_of, last_sequence, resume_at, node,
  created_at, request_id, traceparent, exists (select 1 from job_blob h where h.job_id = job.id) as holds_blobs, clock_timestamp() as now`

/** Locks a job's row until the transaction ends; undefined when there is none. */
export const lockJob = (tx: Transaction, jobId: string): Effect.Effect<JobRow | undefined> =>
  Effect.map(tx.query<JobRow>(`select ${jobColumns} from job where id = $1 for update`, [jobId]), (rows) => rows[0])

export interface JobWithStages {
  readonly job: JobRow
  /** In order. */
  readonly stages: ReadonlyArray<StageRow>
}

/** As `lockJob`, of several jobs, by their ids. Locked in one order, so that two who lock several wait in no circle. */
export const lockJobsWithStages = Effect.fnUntraced(function*(tx: Transaction, jobIds: ReadonlyArray<string>) {
  const rows = yield* tx.query<JobRow & { readonly stages: ReadonlyArray<StageRow> | null }>(
    `with job as (select * from job where id = any($1::uuid[]) order by id for update)
     select ${jobColumns}, (select jsonb_agg(s order by s.position) from job_stage s where s.job_id = job.id) as stages from job`,
    [jobIds]
  )
  return new Map(rows.map(({ stages, ...job }): [string, JobWithStages] => [job.id, { job, stages: (stages ?? []).map(stageFromJson) }]))
})

/** As `lockJob`, for the run that holds the job: fails when it does so no longer. */
export const lockOwnJob = Effect.fnUntraced(function*(tx: Transaction, jobId: string, attempt: number) {
  const job = yield* lockJob(tx, jobId)
  if (job === undefined || job.attempt !== attempt || isTerminal(job.status)) return yield* new Superseded({ jobId })
  return job
})

const eventColumns = ({ body, dedupeKey }: Entry) => {
  const { _tag: kind, ...data } = encodeEventBody(body)
  return { kind, stage: "stage" in data ? data.stage.name : null, data: JSON.stringify(data), dedupeKey }
}

/** The statement's part that appends events behind `last_sequence`, and its parameters from number `first` on. */
export const insertEvents = (first: number, lastSequence: number, entries: ReadonlyArray<Entry>) => {
  const rows = entries.map(eventColumns)
  return {
    sql: `insert into job_event (job_id, sequence, kind, stage, data, dedupe_key, at)
      select $1::uuid, ${lastSequence} + e.position, e.kind, e.stage, e.data::jsonb, e.dedupe_key, clock_timestamp()
      from unnest($${first}::text[], $${first + 1}::text[], $${first + 2}::text[], $${first + 3}::text[])
        with ordinality as e (kind, stage, data, dedupe_key, position)`,
    params: [rows.map((row) => row.kind), rows.map((row) => row.stage), rows.map((row) => row.data), rows.map((row) => row.dedupeKey)]
  }
}

/** Applies a change to a locked job and to stages of it, and appends its events. A change of status that the state machine forbids is a bug. */
export const writeJob = Effect.fnUntraced(function*(tx: Transaction, job: JobRow, patch: JobPatch, entries: ReadonlyArray<Entry>, stages: ReadonlyArray<StageChange> = []) {
  if (patch.status !== undefined && patch.status !== job.status && !canTransition(job.status, patch.status)) {
    return yield* Effect.die(new Error(`job ${job.id} cannot go from ${job.status} to ${patch.status}`))
  }
  const columns = Object.entries({
    ...patch,
    ...(patch.failure === undefined ? {} : { failure: JSON.stringify(encodeFailure(patch.failure)) }),
    last_sequence: job.last_sequence + entries.length
  })
  const assignments = columns.map(([column], index) => `${column} = $${index + 2}`).join(", ")
  const events = insertEvents(columns.length + 2, job.last_sequence, entries)
  const params: Array<unknown> = [job.id, ...columns.map(([, value]) => value), ...events.params]
  const staged = stages.map((change, index) => {
    const update = updateStage(params.length + 1, change)
    params.push(...update.params)
    return `, staged_${index} as (${update.sql})`
  })
  // One statement: round trips are what a job's pace is made of.
  yield* tx.execute(
    `with changed as (update job set ${assignments}, updated_at = clock_timestamp() where id = $1::uuid), logged as (${events.sql})${staged.join("")}
     select pg_notify('${jobChannel}', $1::uuid::text)`,
    params
  )
})
