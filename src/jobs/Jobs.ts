import { Clock, Context, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { JobKind, JobPriority } from "../domain/Job.ts"
import { encodeEventBody } from "../domain/JobEvent.ts"
import type { Transaction } from "../persistence/Database.ts"
import { jobChannel } from "./jobLog.ts"
import { JobKinds } from "./JobKinds.ts"
import { Queue } from "./Queue.ts"

/** As stored: higher is sooner. */
export const priorityRank: { readonly [P in JobPriority]: number } = { LOW: 0, NORMAL: 1, HIGH: 2 }

export interface Submission {
  /** A new uuid, where files are held for the job before it is submitted; else one is made. */
  readonly id?: string | undefined
  readonly kind: JobKind
  /** As the kind's schema has them, decoded. */
  readonly options: unknown
  readonly trackId: string | null
  readonly priority: JobPriority
  /** The key, and what the input was, under which the same request may be sent again. */
  readonly idempotency?: { readonly key: string; readonly inputHash: string } | undefined
}

export class Jobs extends Context.Service<Jobs, {
  /**
   * Creates a job in the caller's transaction: its row, its stages, its first event and its queue entry come into being
   * with whatever else the transaction writes, or not at all. Returns the job's id.
   */
  readonly submit: (tx: Transaction, submission: Submission) => Effect.Effect<string>
  /**
   * The job that was submitted under an idempotency key, if there is one. Until the transaction ends, everybody else
   * who asks for the same key waits, so that of many equal requests at once one submits and the others find its job.
   */
  readonly submittedUnder: (tx: Transaction, key: string) => Effect.Effect<{ readonly jobId: string; readonly trackId: string | null; readonly inputHash: string | null } | undefined>
}>()("playhead/jobs/Jobs") {
  static readonly layer = Layer.effect(
    Jobs,
    Effect.gen(function*() {
      const kinds = yield* JobKinds
      const queue = yield* Queue
      const random = yield* SecureRandom.SecureRandom

      const submit = Effect.fn("Jobs.submit")(function*(tx: Transaction, submission: Submission) {
        const definition = kinds.get(submission.kind)
        if (definition === undefined) return yield* Effect.die(new Error(`no kind of job is registered as ${submission.kind}`))
        const id = submission.id ?? (yield* random.uuidV7())
        const now = new Date(yield* Clock.currentTimeMillis)
        const options = Schema.encodeSync(definition.options)(submission.options)
        const priority = priorityRank[submission.priority]
        const { _tag: kind, ...data } = encodeEventBody({ _tag: "JobQueuedEvent" })
        yield* tx.query(
          `with job as (
             insert into job (id, kind, status, priority, track_id, options, idempotency_key, input_hash, last_sequence, created_at, updated_at)
             values ($1, $2, 'QUEUED', $3, $4, $5::jsonb, $6, $7, 1, $8, $8)
           ), stage as (
             insert into job_stage (job_id, position, name, status)
             select $1, s.position - 1, s.name, 'PENDING' from unnest($9::text[]) with ordinality as s(name, position)
           )
           insert into job_event (job_id, sequence, kind, data, dedupe_key, at) values ($1, 1, $10, $11::jsonb, 'queued', $8)`,
          [
            id, submission.kind, priority, submission.trackId, JSON.stringify(options),
            submission.idempotency?.key ?? null, submission.idempotency?.inputHash ?? null, now,
            definition.stages.map((stage) => stage.name), kind, JSON.stringify(data)
          ]
        )
        yield* queue.send(tx, id, { priority })
        yield* tx.notify(jobChannel, id)
        return id
      })

      const submittedUnder = Effect.fn("Jobs.submittedUnder")(function*(tx: Transaction, key: string) {
        yield* tx.query("select pg_advisory_xact_lock(hashtextextended('job.idempotency_key:' || $1, 0))", [key])
        const rows = yield* tx.query<{ jobId: string; trackId: string | null; inputHash: string | null }>(
          `select id as "jobId", track_id as "trackId", input_hash as "inputHash" from job where idempotency_key = $1`,
          [key]
        )
        return rows[0]
      })

      return Jobs.of({ submit, submittedUnder })
    })
  )
}
