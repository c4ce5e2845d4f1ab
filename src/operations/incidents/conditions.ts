/** For what incidents are open. */
import { Effect } from "effect"
import { Database } from "../../persistence/Database.ts"
import { sumsSince } from "../failures/statements.ts"
import type { Condition } from "./Condition.ts"
import { burnRateOf, type Ended, endedWithin } from "./errorBudget.ts"
import { failingStores } from "./failingStores.ts"

/** Both windows must burn so fast: the long one says that it matters, the short one that it still goes on (ibid., "Multiwindow, Multi-Burn-Rate Alerts"). */
const burns = [
  { subject: "burn:fast", rate: 14.4, longSeconds: 3600, shortSeconds: 300 },
  { subject: "burn:slow", rate: 6, longSeconds: 6 * 3600, shortSeconds: 1800 }
] as const

/** A rate of so few jobs says nothing. */
const leastFailures = 5

/** A circuit that nobody has tried since it might be closed is no news any more. */
const forgottenAfter = "5 minutes"

const burning = (ended: ReadonlyMap<number, Ended>, objective: number): ReadonlyArray<Condition> =>
  burns.flatMap(({ longSeconds, rate, shortSeconds, subject }) => {
    const [long, short] = [ended.get(longSeconds), ended.get(shortSeconds)]
    const burnRate = burnRateOf(long, objective)
    if (long === undefined || long.failed < leastFailures || burnRate < rate || burnRateOf(short, objective) < rate) return []
    return [{
      subject,
      cause: `${long.failed} of ${long.total} jobs of the last ${longSeconds / 3600} h failed: the error budget burns ${burnRate.toFixed(1)} times as fast as it may`,
      provider: null,
      errorCount: long.failed
    }]
  })

interface CircuitRow {
  readonly provider: string
  readonly failures: number
}

const openCircuitsSql = `
  select c.provider, coalesce((select sum(f.count) from ${sumsSince("date_trunc('minute', c.opened_at)")} as f where f.provider = c.provider), 0)::int as failures
  from provider_circuit c where c.closed_at is null and c.open_until > clock_timestamp() - interval '${forgottenAfter}'`

/** All that holds now. */
export const holding = Effect.fnUntraced(function* (objective: number) {
  const database = yield* Database
  const ended = yield* endedWithin(burns.flatMap(({ longSeconds, shortSeconds }) => [longSeconds, shortSeconds]))
  const circuits = yield* database.query<CircuitRow>("circuits.broken", openCircuitsSql)
  return [
    ...(yield* failingStores),
    ...burning(ended, objective),
    ...circuits.map(({ failures, provider }): Condition => ({
      subject: `circuit:${provider}`,
      cause: `${provider} fails: no calls are made to it but one now and then, and its place is taken by a lesser way where there is one`,
      provider,
      errorCount: failures
    }))
  ]
})
