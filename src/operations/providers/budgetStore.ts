import { Effect, Layer } from "effect"
import type { Budget } from "../../domain/Provider.ts"
import { Database } from "../../persistence/Database.ts"
import { BudgetStore, type BudgetUse } from "../../providers/guard/BudgetStore.ts"

interface Row {
  readonly used: number | null
  readonly granted: boolean
  readonly resets_at: Date
}

const present = `present as (select to_timestamp(floor(extract(epoch from clock_timestamp()) / $3) * $3)::timestamptz(3) as at)`

const useOf = (rows: ReadonlyArray<Row>): BudgetUse => {
  const [row] = rows
  return { used: row?.used ?? 0, granted: row?.granted ?? false, resetsAt: row?.resets_at ?? new Date(0) }
}

/** One statement, so that two nodes cannot both take the last of it. */
const reserveSql = `
  with ${present}, taken as (
    insert into provider_usage as u (provider, metric, window_start, used)
    select $1, $2, at, $4::float8 from present where $4::float8 <= $5::float8
    on conflict (provider, metric, window_start) do update set used = u.used + excluded.used where u.used + excluded.used <= $5::float8
    returning used
  )
  select coalesce((select used from taken), (select used from provider_usage where provider = $1 and metric = $2 and window_start = at)) as used,
    exists (select 1 from taken) as granted, at + make_interval(secs => $3) as resets_at
  from present`

const usedSql = `
  with ${present}
  select (select used from provider_usage where provider = $1 and metric = $2 and window_start = at) as used, false as granted,
    at + make_interval(secs => $3) as resets_at from present`

const adjustSql = `
  with ${present}
  insert into provider_usage as u (provider, metric, window_start, used) select $1, $2, at, greatest(0, $4::float8) from present
  on conflict (provider, metric, window_start) do update set used = greatest(0, u.used + $4::float8)`

/** Windows that are over are of no use; the longest may be a year. */
const forgetSql = `delete from provider_usage where window_start < now() - interval '400 days'`

/** Budgets in the database, one row a window. */
export const budgetStore: Layer.Layer<BudgetStore, never, Database> = Layer.effect(
  BudgetStore,
  Effect.gen(function* () {
    const database = yield* Database
    yield* database.query("budgets.forget", forgetSql)
    const keyOf = ({ metric, provider, windowSeconds }: Budget) => [provider, metric, windowSeconds]
    return BudgetStore.of({
      reserve: (budget, amount) => Effect.map(database.query<Row>("budgets.reserve", reserveSql, [...keyOf(budget), amount, budget.limit]), useOf),
      adjust: (budget, difference) => Effect.asVoid(database.query("budgets.adjust", adjustSql, [...keyOf(budget), difference])),
      used: (budget) => Effect.map(database.query<Row>("budgets.used", usedSql, keyOf(budget)), useOf)
    })
  })
)
