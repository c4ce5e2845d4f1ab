/**
 * What the guard around calls to providers costs: a call that succeeds, one that is refused because the circuit is open,
 * the time until calls are made again once the provider is back, and the error report over a million failures. Beside it
 * cockatiel, which does part of the same.
 *
 *     npm install --prefix tests/bench/rivals && node tests/bench/guard.ts [--calls 20000]
 */
import { existsSync } from "node:fs"
import { parseArgs } from "node:util"
import { Effect, Exit, Layer, Redacted } from "effect"
import { ProviderError } from "../../src/domain/errors.ts"
import { FailureStatistics } from "../../src/operations/failures/FailureStatistics.ts"
import { budgetStore } from "../../src/operations/providers/budgetStore.ts"
import { sharedCircuits } from "../../src/operations/providers/sharedCircuits.ts"
import { Database } from "../../src/persistence/Database.ts"
import { Guard } from "../../src/providers/guard/Guard.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { percentile, surroundings } from "./support/figures.ts"

const { values } = parseArgs({ options: { calls: { type: "string", default: "20000" } } })
const calls = Number(values.calls)
const openForMs = 2000
const table: Record<string, object> = {}
const row = (times: ReadonlyArray<number>) => ({ "p50, ms": percentile(times, 50).toFixed(4), "p99, ms": percentile(times, 99).toFixed(4) })

/** Each call by itself, after a warm-up. */
const timed = async (call: () => Promise<unknown>, count = calls): Promise<ReadonlyArray<number>> => {
  const times: Array<number> = []
  for (let n = -count / 10; n < count; n++) {
    const begun = performance.now()
    await call()
    if (n >= 0) times.push(performance.now() - begun)
  }
  return times
}

const down = Effect.fail(new ProviderError({ message: "down", provider: "itunes", reason: "UNAVAILABLE", retryAfterMs: null }))

const postgres = await startPostgres({ fsync: true })
await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  const layer = Guard.layer({
    configured: new Set(),
    budgets: [{ provider: "rnnoise", metric: "requests", limit: 1e9, windowSeconds: 86_400 }],
    policies: { itunes: { openForMs, tries: 1 } }
  }).pipe(
    Layer.provide(Layer.mergeAll(sharedCircuits, budgetStore)),
    Layer.provideMerge(FailureStatistics.layer),
    Layer.provideMerge(Database.layer({ url: Redacted.make(postgres.url), dataDir: "memory://", poolSize: 10, statementTimeoutMs: 15_000, migrate: true }))
  )
  const context = yield* Layer.build(layer)
  const run = Effect.runPromiseExitWith(context)
  const [guard, database, statistics] = yield* Effect.provideContext(Effect.all([Guard, Database, FailureStatistics]), context)
  const done = Effect.succeed("done")

  table["bare Effect"] = row(yield* Effect.promise(() => timed(() => run(done))))
  table["guarded"] = row(yield* Effect.promise(() => timed(() => run(guard.call("itunes", done)))))
  table["guarded, with a budget in PostgreSQL"] = row(yield* Effect.promise(() => timed(() => run(guard.call("rnnoise", done)), calls / 10)))

  for (let n = 0; n < 5; n++) yield* Effect.exit(guard.call("itunes", down))
  const openedAt = performance.now()
  table["refused, circuit open"] = row(yield* Effect.promise(() => timed(() => run(guard.call("itunes", done)), 2000)))
  while (Exit.isFailure(yield* Effect.exit(guard.call("itunes", done)))) yield* Effect.sleep(5)
  const recoveredAfterMs = performance.now() - openedAt - openForMs

  yield* database.query("bench.fill", `
    insert into failure_minute
    select date_trunc('minute', now()) - make_interval(mins => m), 'PROVIDER_FAILED', 'S' || k, 'p' || (k % 5), 20, 0, 19, 5000, now(), null
    from generate_series(0, 1439) as m, generate_series(1, 35) as k`)
  yield* database.query("bench.analyze", "analyze failure_minute")
  const report = yield* statistics.report(86_400)
  const total = report.groups.reduce((sum, { count }) => sum + count, 0)
  table[`report over ${total} failures`] = row(yield* Effect.promise(() => timed(() => run(statistics.report(86_400)), 50)))

  const rival = new URL("rivals/cockatiel.mjs", import.meta.url)
  if (existsSync(new URL("rivals/node_modules/cockatiel", import.meta.url))) {
    const { makePolicy } = yield* Effect.promise(() => import(rival.href) as Promise<{ makePolicy: () => { execute: (call: () => Promise<string>) => Promise<string> } }>)
    const policy = makePolicy()
    table["cockatiel: retry, breaker, timeout"] = row(yield* Effect.promise(() => timed(() => policy.execute(() => Promise.resolve("done")))))
  }
  console.log(`${surroundings()}, ${calls} calls one after the other`)
  console.table(table)
  console.log(`Calls are made again ${recoveredAfterMs.toFixed(0)} ms after the circuit may be tried.`)
})))
await postgres.stop()
