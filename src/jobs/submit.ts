import { Effect } from "effect"
import type { JobKind, JobPriority, StageName } from "../domain/Job.ts"
import { currentOrigin } from "../domain/Origin.ts"
import type { Transaction } from "../persistence/Database.ts"
import { insertEvents, jobChannel } from "./jobLog.ts"
import { countSubmitted } from "./jobMetrics.ts"
import { type Queue, queueChannel } from "./Queue.ts"

/** As stored: higher is sooner. */
export const priorityRank: { readonly [P in JobPriority]: number } = { LOW: 0, NORMAL: 1, HIGH: 2 }

interface NewJob {
  readonly id: string
  readonly kind: JobKind
  /** Encoded. */
  readonly options: unknown
  readonly trackId: string | null
  readonly priority: number
  readonly idempotency?: { readonly key: string; readonly inputHash: string } | undefined
  readonly retryOf?: string
  readonly stages: ReadonlyArray<StageName>
}

/** The job's row, its stages, its first event and its queue entry. */
export const insertJob = Effect.fnUntraced(function*(tx: Transaction, queue: Queue["Service"], job: NewJob) {
  const origin = yield* currentOrigin
  const event = insertEvents(12, 0, [{ body: { _tag: "JobQueuedEvent" }, dedupeKey: "queued" }])
  yield* tx.execute(
    `with job as (
       insert into job (id, kind, status, priority, track_id, options, idempotency_key, input_hash, retry_of, request_id, traceparent, last_sequence, created_at, updated_at)
       select $1::uuid, $2, 'QUEUED', $3, $4::uuid, $5::jsonb, $6, $7, $8::uuid, $10, $11, 1, t.now, t.now from clock_timestamp() as t (now)
     ), stage as (
       insert into job_stage (job_id, position, name, status)
       select $1::uuid, s.position - 1, s.name, 'PENDING' from unnest($9::text[]) with ordinality as s (name, position)
     ), logged as (${event.sql})
     select pg_notify('${jobChannel}', $1::uuid::text), pg_notify('${queueChannel}', '')`,
    [
      job.id, job.kind, job.priority, job.trackId, JSON.stringify(job.options), job.idempotency?.key ?? null,
      job.idempotency?.inputHash ?? null, job.retryOf ?? null, job.stages, origin.requestId, origin.traceparent, ...event.params
    ]
  )
  yield* tx.afterCommit(countSubmitted(job.kind))
  yield* queue.add(tx, { id: job.id, kind: job.kind, priority: job.priority })
})
