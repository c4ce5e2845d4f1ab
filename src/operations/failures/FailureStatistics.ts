/** Failures and recoveries, summed up by the minute and the hour. Telling costs an addition; what was told is written once a second. */
import { Context, Effect, Layer } from "effect"
import type { ErrorCode } from "../../domain/ErrorCode.ts"
import { type FailureKey, FailureObserver } from "../../domain/failureObserver.ts"
import type { StageName } from "../../domain/Job.ts"
import { Database } from "../../persistence/Database.ts"
import { addSql, forgetSql, reportSql } from "./statements.ts"

const writeInterval = "1 second"

export interface FailureGroup extends FailureKey {
  readonly count: number
  readonly unhandled: number
  readonly recovered: number
  readonly lastSeenAt: Date
  readonly sampleJobId: string | null
}

export interface FailureReport {
  /** The beginning of a minute: failures are summed up by it. */
  readonly from: Date
  readonly to: Date
  readonly meanTimeToRecoveryMs: number | null
  /** The most frequent first. */
  readonly groups: ReadonlyArray<FailureGroup>
}

interface Sum {
  readonly key: FailureKey
  count: number
  unhandled: number
  recovered: number
  recoveryMs: number
  jobId: string | null
}

interface ReportRow {
  readonly code: ErrorCode | null
  readonly stage: StageName | ""
  readonly provider: string
  readonly count: number
  readonly unhandled: number
  readonly recovered: number
  readonly recovery_ms: number
  readonly last_seen_at: Date
  readonly sample_job_id: string | null
  readonly from: Date
  readonly to: Date
}

export class FailureStatistics extends Context.Service<FailureStatistics, {
  /** Of the last so many seconds, on all nodes. */
  readonly report: (lastSeconds: number) => Effect.Effect<FailureReport>
  /** Writes what was told since the last time. */
  readonly write: Effect.Effect<void>
}>()("playhead/operations/FailureStatistics") {
  /** Also what failures are told to: see `FailureObserver`. */
  static readonly layer: Layer.Layer<FailureStatistics, never, Database> = Layer.effectContext(
    Effect.gen(function* () {
      const database = yield* Database
      let sums = new Map<string, Sum>()

      const sumOf = ({ code, provider, stage }: FailureKey): Sum => {
        const name = `${code}|${stage ?? ""}|${provider ?? ""}`
        const known = sums.get(name)
        if (known !== undefined) return known
        const sum = { key: { code, provider, stage }, count: 0, unhandled: 0, recovered: 0, recoveryMs: 0, jobId: null }
        sums.set(name, sum)
        return sum
      }
      const observer = FailureObserver.of({
        failed: (failure) => {
          const sum = sumOf(failure)
          sum.count++
          if (!failure.handled) sum.unhandled++
          sum.jobId = failure.jobId ?? sum.jobId
        },
        recovered: (recovery) => {
          const sum = sumOf(recovery)
          sum.recovered += recovery.count
          // Whole milliseconds come to the same in whichever order they are added.
          sum.recoveryMs += Math.round(recovery.afterMs) * recovery.count
        }
      })

      const write = Effect.gen(function* () {
        if (sums.size === 0) return
        const told = [...sums.values()]
        sums = new Map()
        const column = <A>(of: (sum: Sum) => A) => told.map(of)
        yield* database.query("failures.add", addSql, [
          column(({ key }) => key.code), column(({ key }) => key.stage ?? ""), column(({ key }) => key.provider ?? ""),
          column(({ count }) => count), column(({ unhandled }) => unhandled), column(({ recovered }) => recovered),
          column(({ recoveryMs }) => recoveryMs), column(({ jobId }) => jobId)
        ])
      }).pipe(Effect.catchCause((cause) => Effect.logWarning("The statistics of failures could not be written; a second of them is lost", cause)))
      const forget = database.query("failures.forget", forgetSql).pipe(Effect.catchCause((cause) => Effect.logWarning("Old statistics of failures could not be removed; that will be tried again", cause)))
      yield* Effect.addFinalizer(() => write)
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(forget, Effect.sleep("1 hour"))))
      yield* Effect.forkScoped(Effect.forever(Effect.delay(write, writeInterval)))

      const report = Effect.fn("FailureStatistics.report")(function* (lastSeconds: number) {
        yield* write
        const rows = yield* database.query<ReportRow>("failures.report", reportSql, [lastSeconds])
        const [first] = rows
        const found = rows.flatMap(({ code, ...row }) => (code === null ? [] : [{ ...row, code }]))
        const recovered = found.reduce((sum, row) => sum + row.recovered, 0)
        return {
          from: first?.from ?? new Date(0),
          to: first?.to ?? new Date(0),
          meanTimeToRecoveryMs: recovered === 0 ? null : found.reduce((sum, row) => sum + row.recovery_ms, 0) / recovered,
          groups: found.map((row): FailureGroup => ({
            code: row.code, stage: row.stage === "" ? null : row.stage, provider: row.provider === "" ? null : row.provider,
            count: row.count, unhandled: row.unhandled, recovered: row.recovered, lastSeenAt: row.last_seen_at, sampleJobId: row.sample_job_id
          }))
        }
      })

      return Context.make(FailureStatistics, FailureStatistics.of({ report, write })).pipe(Context.add(FailureObserver, observer))
    })
  )
}
