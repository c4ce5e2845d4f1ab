/**
 * What all jobs stand on and no circuit guards: the database and the store of files. Each node notes that they fail it, of
 * the database once it is back, and an incident tells of it.
 */
import { Clock, Effect, Layer } from "effect"
import type { ErrorCode } from "../../domain/ErrorCode.ts"
import { Node } from "../../jobs/Node.ts"
import { Database } from "../../persistence/Database.ts"
import { sumsSince } from "../failures/statements.ts"
import { Health, type HealthReport } from "../Health.ts"
import type { Condition } from "./Condition.ts"

interface Store {
  readonly cause: string
  /** Of the failures that come of it, where they have one of their own. */
  readonly code: ErrorCode | null
}

/** By the names of their health checks. */
const stores: Readonly<Record<string, Store>> = {
  database: { cause: "The database was out of reach: requests failed, and jobs stood still until it was back", code: null },
  storage: { cause: "The store of files fails: jobs are tried again until it is back, and media are not served", code: "STORAGE_FAILED" }
}

/** One check may fail because the machine is busy: longer than from one to the next, shorter than to the one behind it. */
const patienceMs = 7_000
const interval = "5 seconds"
/** Longer than a node takes to write again. */
const forgottenAfter = "15 seconds"

interface Outage {
  readonly sinceMs: number
  readonly untilMs: number | undefined
}

const outagesBy = (before: ReadonlyMap<string, Outage>, { checks }: HealthReport, nowMs: number): ReadonlyMap<string, Outage> =>
  new Map(Object.keys(stores).flatMap((name): ReadonlyArray<[string, Outage]> => {
    const known = before.get(name)
    const fails = checks.some((check) => check.name === name && check.status === "UNHEALTHY")
    if (fails) return [[name, { sinceMs: known?.sinceMs ?? nowMs, untilMs: undefined }]]
    return known === undefined ? [] : [[name, { sinceMs: known.sinceMs, untilMs: known.untilMs ?? nowMs }]]
  }))

const noteSql = `
  insert into failing_store (node, name, failing_since, seen_at)
  select $1, o.name, now.at - make_interval(secs => o.seconds), now.at
  from clock_timestamp() as now (at), unnest($2::text[], $3::float8[]) as o (name, seconds)
  on conflict (node, name) do update set failing_since = excluded.failing_since, seen_at = excluded.seen_at`

/** Watches this node's health, and writes down what lasts. */
export const noteFailingStores = Layer.effectDiscard(
  Effect.gen(function* () {
    const database = yield* Database
    const health = yield* Health
    const { id } = yield* Node
    const clock = yield* Clock.Clock
    let outages: ReadonlyMap<string, Outage> = new Map()
    const onEntries = (entries: ReadonlyArray<{ readonly value: HealthReport }>) => {
      for (const { value } of entries) outages = outagesBy(outages, value, clock.currentTimeMillisUnsafe())
    }
    yield* Effect.acquireRelease(Effect.sync(() => health.changes.listen({ onEntries, onEnd: () => {} })), (stop) => Effect.sync(stop))

    const write = Effect.gen(function* () {
      const seen = outages
      const now = yield* Clock.currentTimeMillis
      const ofDatabase = seen.get("database")
      if (seen.size === 0 || (ofDatabase !== undefined && ofDatabase.untilMs === undefined)) return
      const lasting = [...seen].filter(([, { sinceMs, untilMs = now }]) => untilMs - sinceMs >= patienceMs)
      if (lasting.length > 0) {
        yield* database.transaction((tx) =>
          Effect.andThen(
            tx.execute(noteSql, [id, lasting.map(([name]) => name), lasting.map(([, { sinceMs }]) => (now - sinceMs) / 1000)]),
            tx.execute("delete from failing_store where seen_at < clock_timestamp() - interval '1 hour'")
          )
        )
      }
      // What ended while it was being written is written once more.
      outages = new Map([...outages].filter(([name, { untilMs }]) => untilMs === undefined || seen.get(name)?.untilMs === undefined))
    }).pipe(Effect.catchCause((cause) => Effect.logWarning("What fails could not be written down; it will be tried again", cause)))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(write, interval)))
  })
)

interface FailingRow {
  readonly name: string
  readonly since: Date
  readonly failures: number
}

const failingSql = `
  select s.name, s.since,
    coalesce((select sum(f.count) from ${sumsSince("date_trunc('minute', s.since)")} as f where f.code = $1::jsonb ->> s.name), 0)::int as failures
  from (
    select name, min(failing_since) as since from failing_store where seen_at > clock_timestamp() - interval '${forgottenAfter}' group by name
  ) as s order by s.name`

/** For the statement: the code of each store's failures. */
const codes = JSON.stringify(Object.fromEntries(Object.entries(stores).map(([name, { code }]) => [name, code])))

/** What fails any node now. */
export const failingStores = Effect.gen(function* () {
  const database = yield* Database
  const rows = yield* database.query<FailingRow>("stores.failing", failingSql, [codes])
  return rows.map(({ failures, name, since }): Condition => ({ subject: `store:${name}`, cause: stores[name]?.cause ?? name, provider: null, errorCount: failures, since }))
})
