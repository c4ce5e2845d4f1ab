/** What a job's failures and recoveries are told to the statistics as. */
import { Effect } from "effect"
import { decodeFailure, type Failure } from "../domain/errorCatalog.ts"
import { FailureObserver } from "../domain/failureObserver.ts"
import { Database } from "../persistence/Database.ts"
import type { Claim } from "./Claim.ts"
import type { StageRow } from "./stageRows.ts"

const providerOf = (failure: Failure, stage: StageRow): string | null => ("provider" in failure ? failure.provider : stage.provider)

export const stageFailed = Effect.fnUntraced(function*(claim: Claim, stage: StageRow, failure: Failure) {
  const observer = yield* FailureObserver
  observer.failed({ code: failure.code, stage: stage.name, provider: providerOf(failure, stage), jobId: claim.jobId, handled: failure._tag !== "InternalError" })
})

const firstTrySql = `
  select extract(epoch from clock_timestamp() - min(at))::float8 * 1000 as "afterMs"
  from job_event where job_id = $1 and stage = $2 and kind = 'StageRetryingEvent'`

/** Tells that a stage has succeeded which failed before. */
export const stageSucceeded = Effect.fnUntraced(function*(claim: Claim, stage: StageRow) {
  if (stage.failures === 0) return
  const observer = yield* FailureObserver
  const database = yield* Database
  // As it was when the run began: a stage that is begun again has no failure.
  const before = claim.stages[stage.position]?.failure
  if (before === null || before === undefined) return
  const failure = decodeFailure(before)
  const [row] = yield* database.query<{ afterMs: number | null }>("jobs.firstTry", firstTrySql, [claim.jobId, stage.name])
  observer.recovered({ code: failure.code, stage: stage.name, provider: providerOf(failure, stage), count: stage.failures, afterMs: row?.afterMs ?? 0 })
})

/** A lesser way took the place of one that failed: the failure is made good as it is told of. */
export const stageDegraded = Effect.fnUntraced(function*(claim: Claim, stage: StageRow, failure: Failure) {
  const observer = yield* FailureObserver
  const key = { code: failure.code, stage: stage.name, provider: providerOf(failure, stage) }
  observer.failed({ ...key, jobId: claim.jobId, handled: true })
  observer.recovered({ ...key, count: 1, afterMs: 0 })
})
