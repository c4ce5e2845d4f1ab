/**
 * The one way in which a job changes once it exists: its row is locked, the change and the events that tell of it are
 * written together, and whoever watches is told on commit. So sequences have no gaps, a finished job stays finished,
 * and a run that was replaced by another writes nothing.
 */
import { Clock, Data, Effect } from "effect"
import { encodeFailure, type Failure } from "../domain/errorCatalog.ts"
import { canTransition, isTerminal, type JobStatus } from "../domain/Job.ts"
import { encodeEventBody, type JobEventBody } from "../domain/JobEvent.ts"
import type { Transaction } from "../persistence/Database.ts"

/** Told a job's id whenever its log has grown. A hint to read again, never the news itself. */
export const jobChannel = "playhead_job"

/** This run may no longer write: the job is finished or gone, or another run has taken it over. */
export class Superseded extends Data.TaggedError("Superseded")<{ readonly jobId: string }> {}

export interface JobRow {
  readonly id: string
  readonly kind: string
  readonly status: JobStatus
  readonly priority: number
  readonly track_id: string | null
  /** How often work on the job has begun; also the fencing token of the run that holds it. */
  readonly attempt: number
  readonly options: unknown
  readonly degraded: boolean
  readonly last_sequence: number
  readonly resume_at: Date | null
  readonly node: string | null
}

/** The columns of a job that a change may set. */
export interface JobPatch {
  readonly status?: JobStatus
  readonly attempt?: number
  readonly progress?: number
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

const jobColumns = "id, kind, status, priority, track_id, attempt, options, degraded, last_sequence, resume_at, node"

/** Locks a job's row until the transaction ends; undefined when there is none. */
export const lockJob = (tx: Transaction, jobId: string): Effect.Effect<JobRow | undefined> =>
  Effect.map(tx.query<JobRow>(`select ${jobColumns} from job where id = $1 for update`, [jobId]), (rows) => rows[0])

/** As `lockJob`, for the run that holds the job: fails when it does so no longer. */
export const lockOwnJob = Effect.fnUntraced(function*(tx: Transaction, jobId: string, attempt: number) {
  const job = yield* lockJob(tx, jobId)
  if (job === undefined || job.attempt !== attempt || isTerminal(job.status)) return yield* new Superseded({ jobId })
  return job
})

const eventColumns = (body: JobEventBody) => {
  const { _tag, ...data } = encodeEventBody(body)
  return { kind: _tag, stage: "stage" in data ? data.stage.name : null, data: JSON.stringify(data) }
}

/** Applies a change to a locked job and appends its events. A change of status that the state machine forbids is a bug. */
export const writeJob = Effect.fnUntraced(function*(tx: Transaction, job: JobRow, patch: JobPatch, entries: ReadonlyArray<Entry>) {
  if (patch.status !== undefined && patch.status !== job.status && !canTransition(job.status, patch.status)) {
    return yield* Effect.die(new Error(`job ${job.id} cannot go from ${job.status} to ${patch.status}`))
  }
  const now = new Date(yield* Clock.currentTimeMillis)
  const columns = Object.entries({
    ...patch,
    ...(patch.failure === undefined ? {} : { failure: JSON.stringify(encodeFailure(patch.failure)) }),
    last_sequence: job.last_sequence + entries.length,
    updated_at: now
  })
  const assignments = columns.map(([column], index) => `${column} = $${index + 2}`).join(", ")
  yield* tx.query(`update job set ${assignments} where id = $1`, [job.id, ...columns.map(([, value]) => value)])
  if (entries.length > 0) {
    const rows = entries.map((entry, index) => ({ ...eventColumns(entry.body), sequence: job.last_sequence + index + 1, dedupe_key: entry.dedupeKey }))
    yield* tx.query(
      `insert into job_event (job_id, sequence, kind, stage, data, dedupe_key, at)
       select $1, e.sequence, e.kind, e.stage, e.data::jsonb, e.dedupe_key, $2
       from unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[]) as e(sequence, kind, stage, data, dedupe_key)`,
      [job.id, now, rows.map((r) => r.sequence), rows.map((r) => r.kind), rows.map((r) => r.stage), rows.map((r) => r.data), rows.map((r) => r.dedupe_key)]
    )
  }
  yield* tx.notify(jobChannel, job.id)
})
