/**
 * How many of the jobs may fail, how many did, and how fast the rest of what may fail is being used up. A burn rate of 1
 * uses exactly all of it in the window (Google, "The Site Reliability Workbook", chapter 5).
 */
import { Effect } from "effect"
import type { ErrorTag } from "../../domain/errorCatalog.ts"
import { Database } from "../../persistence/Database.ts"

const budgetWindowSeconds = 30 * 24 * 3600
const hourSeconds = 3600

/** Failures that are ours: what a client asked for, or a damaged file, is not. */
const ownFailures: ReadonlyArray<ErrorTag> = ["InternalError", "StorageError", "ProviderError", "TimedOutError", "QualityThresholdError", "ResourceLimitError"]

export interface ErrorBudget {
  /** The share of jobs that is to succeed. */
  readonly objective: number
  readonly windowSeconds: number
  readonly total: number
  readonly failed: number
  /** The share of the budget that is left: 1 untouched, 0 spent, below that overspent. */
  readonly remaining: number
  /** Of the last hour. */
  readonly burnRate: number
  /** When it is spent at this rate; null when it will not be. */
  readonly exhaustsAt: Date | null
}

/** Jobs that ended in a window, and those of them that failed through us. */
export interface Ended {
  readonly seconds: number
  readonly total: number
  readonly failed: number
  /** Its end. */
  readonly until: Date
}

const endedSince = "finished_at is not null and finished_at > w.since"
/**
 * Each window by itself from a beginning that is a value by then: an index answers that, and none what compares with a clock.
 * It has the status, too, so that only jobs that failed are looked at.
 */
const endedSql = `
  select w.seconds, w.until, ended.total, lost.failed
  from (select seconds, now.at as until, now.at - make_interval(secs => seconds) as since from unnest($1::int[]) as seconds, (select clock_timestamp()::timestamptz(3) as at) as now) as w,
    lateral (select count(*)::int as total from job where ${endedSince} and status in ('SUCCEEDED', 'FAILED')) as ended,
    lateral (select count(*)::int as failed from job where ${endedSince} and status = 'FAILED' and failure ->> '_tag' = any($2::text[])) as lost`

/** For each window, of so many seconds until now. */
export const endedWithin = Effect.fnUntraced(function* (windowsSeconds: ReadonlyArray<number>) {
  const database = yield* Database
  const rows = yield* database.query<Ended>("jobs.endedWithin", endedSql, [windowsSeconds, ownFailures])
  return new Map(rows.map((row) => [row.seconds, row]))
})

export const burnRateOf = (ended: Ended | undefined, objective: number): number =>
  ended === undefined || ended.total === 0 ? 0 : ended.failed / ended.total / (1 - objective)

const budgetOf = (whole: Ended, lastHour: Ended | undefined, objective: number): ErrorBudget => {
  const { failed, total, until } = whole
  const remaining = total === 0 ? 1 : 1 - failed / (total * (1 - objective))
  const burnRate = burnRateOf(lastHour, objective)
  const exhaustsAt = remaining <= 0 ? until : burnRate === 0 ? null : new Date(until.getTime() + (remaining * budgetWindowSeconds * 1000) / burnRate)
  return { objective, windowSeconds: budgetWindowSeconds, total, failed, remaining, burnRate, exhaustsAt }
}

export const errorBudgetNow = Effect.fn("Incidents.errorBudget")(function* (objective: number) {
  const ended = yield* endedWithin([budgetWindowSeconds, hourSeconds])
  const whole = ended.get(budgetWindowSeconds)
  if (whole === undefined) return yield* Effect.die(new Error("The database has told nothing of a window that it was asked for"))
  return budgetOf(whole, ended.get(hourSeconds), objective)
})
