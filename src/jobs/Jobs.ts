import { Context, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { ConflictError, IdempotencyConflictError, NotFoundError } from "../domain/errors.ts"
import type { JobKind, JobPriority, StageName } from "../domain/Job.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { cancelJob } from "./cancel.ts"
import type { JobServices } from "./Claim.ts"
import { JobKinds } from "./JobKinds.ts"
import { OnJobEnded } from "./OnJobEnded.ts"
import { prioritizeJob } from "./prioritize.ts"
import { Queue } from "./Queue.ts"
import { retryJob } from "./retry.ts"
import { insertJob, priorityRank } from "./submit.ts"

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

export interface Retried {
  readonly jobId: string
  /** Nothing was done: the same retry is under way already. */
  readonly replayed: boolean
}

/** Ids are bare uuids. */
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
  /**
   * Asks for a job's end. One that nobody works on is CANCELLED at once; else it is CANCELLING until its run has
   * stopped, on whichever node that is, and left nothing behind. Asking again changes nothing.
   */
  readonly cancel: (jobId: string) => Effect.Effect<void, NotFoundError | ConflictError>
  /**
   * Submits a failed or cancelled job once more, as a new one with the same options: it begins at the stage that failed,
   * or at an earlier one that is named, and takes over what the stages before it found.
   */
  readonly retry: (jobId: string, fromStage: StageName | null) => Effect.Effect<Retried, NotFoundError | ConflictError | IdempotencyConflictError>
  /** Moves a job forward or back among those that wait; one that is worked on keeps the priority for its next wait. */
  readonly prioritize: (jobId: string, priority: JobPriority) => Effect.Effect<void, NotFoundError | ConflictError>
}>()("playhead/jobs/Jobs") {
  static readonly layer = Layer.effect(
    Jobs,
    Effect.gen(function*() {
      const database = yield* Database
      const kinds = yield* JobKinds
      const random = yield* SecureRandom.SecureRandom
      const services: JobServices = { queue: yield* Queue, blobs: yield* Blobs, onJobEnded: yield* OnJobEnded }

      const submit = Effect.fn("Jobs.submit")(function*(tx: Transaction, submission: Submission) {
        const definition = kinds.get(submission.kind)
        if (definition === undefined) return yield* Effect.die(new Error(`no kind of job is registered as ${submission.kind}`))
        const id = submission.id ?? (yield* random.uuidV7())
        yield* insertJob(tx, services.queue, {
          id,
          kind: submission.kind,
          options: Schema.encodeSync(definition.options)(submission.options),
          trackId: submission.trackId,
          priority: priorityRank[submission.priority],
          idempotency: submission.idempotency,
          stages: definition.stages.map((stage) => stage.name)
        })
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

      return Jobs.of({
        submit,
        submittedUnder,
        cancel: Effect.fn("Jobs.cancel")((jobId) => database.transaction((tx) => cancelJob(tx, services, kinds, jobId))),
        retry: Effect.fn("Jobs.retry")(function*(jobId, fromStage) {
          const newId = yield* random.uuidV7()
          return yield* database.transaction((tx) => retryJob(tx, services, kinds, { jobId, newId, fromStage }))
        }),
        prioritize: Effect.fn("Jobs.prioritize")((jobId, priority) => database.transaction((tx) => prioritizeJob(tx, services.queue, jobId, priorityRank[priority])))
      })
    })
  )
}
