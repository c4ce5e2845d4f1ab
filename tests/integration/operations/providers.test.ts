import { describe, expect, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Schedule } from "effect"
import { ProviderError } from "../../../src/domain/errors.ts"
import { budgetStore } from "../../../src/operations/providers/budgetStore.ts"
import { sharedCircuits } from "../../../src/operations/providers/sharedCircuits.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { BudgetStore } from "../../../src/providers/guard/BudgetStore.ts"
import { Guard } from "../../../src/providers/guard/Guard.ts"
import { engines, testDatabase } from "../../support/database.ts"

const openForMs = 1500
/** A node's own guard: nodes share the database and nothing else. */
const node = Effect.fnUntraced(function* () {
  const context = yield* Layer.build(
    Layer.fresh(Guard.layer({ configured: new Set(), budgets: [], policies: { itunes: { openForMs, tries: 1 } } })).pipe(Layer.provide(Layer.fresh(Layer.mergeAll(sharedCircuits, budgetStore))))
  )
  const guard = yield* Effect.provideContext(Guard, context)
  return {
    call: (effect: Effect.Effect<string, ProviderError>) => Effect.exit(guard.call("itunes", effect)),
    circuit: Effect.map(guard.providers, (providers) => providers.find(({ name }) => name === "itunes")?.circuit)
  }
})
const broken = Effect.fail(new ProviderError({ message: "broken", provider: "itunes", reason: "INVALID_RESPONSE", retryAfterMs: null }))
const until = <R>(condition: Effect.Effect<boolean, never, R>) =>
  condition.pipe(Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (holds) => holds }), Effect.timeout("10 seconds"))
const is = (node: { readonly circuit: Effect.Effect<string | undefined> }, state: string) => until(Effect.map(node.circuit, (now) => now === state))

describe.each(engines)("providers on %s", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 120_000 })((it) => {
    it.effect("that fail one node are left alone by all, also by one that starts later, until they are well again", () =>
      Effect.gen(function* () {
        const [first, second] = [yield* node(), yield* node()]
        for (let n = 0; n < 5; n++) yield* first.call(broken)
        yield* is(second, "OPEN")
        const later = yield* node()
        yield* is(later, "OPEN")
        let asked = 0
        const ask = Effect.sync(() => `answer ${++asked}`)
        expect(Exit.isFailure(yield* second.call(ask))).toBe(true)
        expect(asked).toBe(0)
        for (const each of [first, second, later]) {
          yield* is(each, "HALF_OPEN")
          expect(Exit.isSuccess(yield* each.call(ask))).toBe(true)
          expect(yield* each.circuit).toBe("CLOSED")
        }
        const database = yield* Database
        yield* until(Effect.map(database.query<{ closed_at: Date | null }>("test.circuit", "select closed_at from provider_circuit"), (rows) => rows[0]?.closed_at !== null))
      }).pipe(Effect.scoped)
    )

    it.effect("give no more than their budget, whoever asks at once and however often the server is started", () =>
      Effect.gen(function* () {
        const budget = { provider: "itunes", metric: "requests", limit: 50, windowSeconds: 366 * 86_400 } as const
        const store = Effect.flatMap(Layer.build(Layer.fresh(budgetStore)), (context) => Effect.provideContext(BudgetStore, context))
        const stores = [yield* store, yield* store]
        const uses = yield* Effect.forEach(Array.from({ length: 120 }, (_, n) => n), (n) => (stores[n % 2] as typeof stores[0]).reserve(budget, 1), { concurrency: "unbounded" })
        expect(uses.filter(({ granted }) => granted)).toHaveLength(50)
        expect(Math.max(...uses.map(({ used }) => used))).toBe(50)
        const restarted = yield* store
        expect(yield* restarted.reserve(budget, 1)).toMatchObject({ granted: false, used: 50 })
        yield* restarted.adjust(budget, -10.5)
        expect(yield* restarted.reserve(budget, 10)).toMatchObject({ granted: true, used: 49.5 })
        expect(yield* restarted.reserve({ ...budget, metric: "tokens" }, 51)).toMatchObject({ granted: false, used: 0 })
        const { resetsAt } = yield* restarted.used(budget)
        expect(resetsAt.getTime() % (budget.windowSeconds * 1000)).toBe(0)
        expect(resetsAt.getTime()).toBeGreaterThan(Date.now())
        // The next window begins with nothing used.
        const short = { ...budget, limit: 1, windowSeconds: 1 }
        yield* until(Effect.map(restarted.reserve(short, 1), ({ granted }) => !granted))
        yield* until(Effect.map(restarted.reserve(short, 1), ({ granted }) => granted))
      }).pipe(Effect.scoped)
    )
  })
})
