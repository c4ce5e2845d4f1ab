import { Effect, Schema } from "effect"
import { ConflictError, IdempotencyConflictError, NotFoundError } from "../domain/errors.ts"
import { isTerminal, type JobKind, type JobStatus, type StageName } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { JobServices } from "./Claim.ts"
import type { AnyJobKind } from "./JobKinds.ts"
import { type JobRow, lockJob } from "./jobLog.ts"
import { isFinishedStage, readStages, type StageRow } from "./stageRows.ts"
import { insertJob } from "./submit.ts"

interface Request {
  readonly jobId: string
  /** The new job's, should there be one. */
  readonly newId: string
  readonly fromStage: StageName | null
}

interface Retry {
  readonly id: string
  readonly status: JobStatus
  readonly from: StageName | null
}

/** The newest retry of a job, and the stage that it began with. */
const latestRetry = (tx: Transaction, jobId: string) =>
  Effect.map(
    tx.query<Retry>(
      `select r.id, r.status, (
         select s.name from job_stage s where s.job_id = r.id and s.status <> 'REUSED' order by s.position limit 1
       ) as from
       from job r where r.retry_of = $1 order by r.created_at desc limit 1`,
      [jobId]
    ),
    (rows) => rows[0]
  )

/** Which stage a retry begins with: the named one, or the one that did not finish. */
const startingStage = Effect.fnUntraced(function*(job: JobRow, stages: ReadonlyArray<StageRow>, fromStage: StageName | null) {
  const stopped = stages.find((stage) => !isFinishedStage(stage) || stage.status === "SKIPPED") ?? stages.at(-1)
  const start = fromStage === null ? stopped : stages.find((stage) => stage.name === fromStage)
  if (start === undefined || stopped === undefined) {
    const names = stages.map((stage) => stage.name).join(", ")
    return yield* new ConflictError({ message: `A job of the kind ${job.kind} has no stage ${fromStage}. Its stages are ${names}.`, jobStatus: job.status })
  }
  if (start.position > stopped.position) {
    return yield* new ConflictError({
      message: `The job came no further than ${stopped.name}: it cannot begin at ${start.name}. Leave fromStage out, or name ${stopped.name} or a stage before it.`,
      jobStatus: job.status
    })
  }
  return start
})

/**
 * See `Jobs.retry`. A job has one retry, which may be retried in its turn: so what became of a job can be followed along
 * one line, and a request that is sent twice finds what its first sending did.
 */
export const retryJob = Effect.fnUntraced(function*(tx: Transaction, { blobs, queue }: JobServices, kinds: ReadonlyMap<JobKind, AnyJobKind>, { fromStage, jobId, newId }: Request) {
  // The track before its jobs, as whoever deletes it has it: otherwise each would wait for the other.
  yield* tx.query("select 1 from track where id = (select track_id from job where id = $1) for key share", [jobId])
  const job = yield* lockJob(tx, jobId)
  if (job === undefined) return yield* new NotFoundError({ message: "There is no such job.", id: jobId })
  if (!isTerminal(job.status)) {
    return yield* new ConflictError({ message: `The job is ${job.status}. Only one that has failed or was cancelled can be tried again.`, jobStatus: job.status })
  }
  if (job.status === "SUCCEEDED") {
    return yield* new ConflictError({ message: "The job has succeeded: there is nothing to try again.", jobStatus: job.status })
  }
  const definition = kinds.get(job.kind)
  if (definition === undefined) return yield* Effect.die(new Error(`no kind of job is registered as ${job.kind}`))
  if (definition.needsTrack === true && job.track_id === null) {
    return yield* new ConflictError({ message: "The job's track was deleted: there is nothing left to work on. Import the recording again, as a new track.", jobStatus: job.status })
  }
  const stages = yield* readStages(tx, jobId)
  const start = yield* startingStage(job, stages, fromStage)
  const earlier = yield* latestRetry(tx, jobId)
  if (earlier !== undefined) {
    if (isTerminal(earlier.status)) {
      return yield* new ConflictError({ message: `The job was tried again already; that job ended as ${earlier.status}. Retry that one instead.`, jobStatus: earlier.status })
    }
    if (fromStage === null || earlier.from === start.name) return { jobId: earlier.id, replayed: true }
    return yield* new IdempotencyConflictError({ message: `The job is being tried again from another stage, ${earlier.from}.`, jobId: earlier.id })
  }

  yield* insertJob(tx, queue, {
    id: newId,
    kind: job.kind,
    options: job.options,
    trackId: job.track_id,
    priority: job.priority,
    retryOf: jobId,
    stages: definition.stages.map((stage) => stage.name)
  })
  // Behind the first stage whose output is of no use any more, everything is done anew.
  for (const stage of stages.slice(0, start.position)) {
    const known = definition.stages[stage.position]
    if (known?.name !== stage.name || stage.status === "SKIPPED") break
    const output: unknown = yield* Schema.decodeUnknownEffect(known.output)(stage.output).pipe(Effect.orDie)
    if (known.reuse !== undefined && !(yield* known.reuse(tx, { jobId: newId, output }))) break
    yield* tx.query(
      `update job_stage n set status = 'REUSED', progress = 1, output = o.output, provider = o.provider, quality = o.quality,
         degraded_from = o.degraded_from, started_at = o.started_at, finished_at = o.finished_at
       from job_stage o where o.job_id = $1 and o.position = $3 and n.job_id = $2 and n.position = $3`,
      [jobId, newId, stage.position]
    )
  }
  yield* tx.query("update job set degraded = true where id = $1 and exists (select 1 from job_stage where job_id = $1 and degraded_from is not null)", [newId])
  // The new job holds what it goes on with.
  yield* blobs.release(tx, jobId)
  yield* definition.onRetried?.(tx, { jobId: newId, trackId: job.track_id }) ?? Effect.void
  return { jobId: newId, replayed: false }
})
