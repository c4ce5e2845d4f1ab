/**
 * What the guard around calls to providers costs: a call that succeeds, one that is refused because the circuit is open,
 * the time until calls are made again once the provider is back, and the error report over a million failures. Beside each
 * the floor, which is an empty Effect in the same loop: its p99 is what the machine does meanwhile. Also cockatiel, which
 * does part of the same.
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

const after = async (call: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await call()
  return performance.now() - begun
}

/** Each call by itself and each followed by an empty one, after a warm-up. */
const timed = async (call: () => Promise<unknown>, count = calls, warmUp = count / 4): Promise<object> => {
  const times: Array<number> = []
  const floor: Array<number> = []
  for (let n = -warmUp; n < count; n++) {
    const [took, empty] = [await after(call), await after(() => Effect.runPromiseExit(done))]
    if (n < 0) continue
    times.push(took)
    floor.push(empty)
  }
  const figures = { "p50, ms": percentile(times, 50), "p99, ms": percentile(times, 99), "floor p50, ms": percentile(floor, 50), "floor p99, ms": percentile(floor, 99) }
  return Object.fromEntries(Object.entries(figures).map(([name, ms]) => [name, ms.toFixed(4)]))
}

const done = Effect.succeed("done")
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

  table["guarded"] = yield* Effect.promise(() => timed(() => run(guard.call("itunes", done))))
  table["guarded, with a budget in PostgreSQL"] = yield* Effect.promise(() => timed(() => run(guard.call("rnnoise", done)), calls / 10))

  for (let n = 0; n < 5; n++) yield* Effect.exit(guard.call("itunes", down))
  const openedAt = performance.now()
  let refused = 0
  table["refused, circuit open"] = yield* Effect.promise(() => timed(async () => refused += Exit.isFailure(await run(guard.call("itunes", done))) ? 1 : 0, calls / 2, calls / 4))
  if (refused !== calls * 0.75) throw new Error("The circuit closed while refusals were measured")
  while (Exit.isFailure(yield* Effect.exit(guard.call("itunes", done)))) yield* Effect.sleep(5)
  const recoveredAfterMs = performance.now() - openedAt - openForMs

  yield* database.query("bench.fill", `
    insert into failure_minute
    select date_trunc('minute', now()) - make_interval(mins => m), 'PROVIDER_FAILED', 'S' || k, 'p' || (k % 5), 20, 0, 19, 5000, now(), null
    from generate_series(0, 1439) as m, generate_series(1, 35) as k`)
  yield* database.query("bench.sum", `
    insert into failure_hour
    select date_trunc('hour', minute, 'UTC'), code, stage, provider, sum(count), sum(unhandled), sum(recovered), sum(recovery_ms), max(last_seen_at), null
    from failure_minute group by 1, 2, 3, 4`)
  yield* database.query("bench.analyze", "analyze failure_minute, failure_hour")
  const report = yield* statistics.report(86_400)
  const total = report.groups.reduce((sum, { count }) => sum + count, 0)
  table[`report over ${total} failures`] = yield* Effect.promise(() => timed(() => run(statistics.report(86_400)), 200))

  const rival = new URL("rivals/cockatiel.mjs", import.meta.url)
  if (existsSync(new URL("rivals/node_modules/cockatiel", import.meta.url))) {
    const { makePolicy } = yield* Effect.promise(() => import(rival.href) as Promise<{ makePolicy: () => { execute: (call: () => Promise<string>) => Promise<string> } }>)
    const policy = makePolicy()
    table["cockatiel: retry, breaker, timeout"] = yield* Effect.promise(() => timed(() => policy.execute(() => Promise.resolve("done"))))
  }
  console.log(`${surroundings()}, ${calls} calls one after the other`)
  console.table(table)
  console.log(`Calls are made again ${recoveredAfterMs.toFixed(0)} ms after the circuit may be tried.`)
})))
await postgres.stop()
