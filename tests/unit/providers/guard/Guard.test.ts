import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { TestClock } from "effect/testing"
import type { Failure } from "../../../../src/domain/errorCatalog.ts"
import { ProviderError, UnsupportedMediaError } from "../../../../src/domain/errors.ts"
import { FailureObserver, type ObservedFailure, type ObservedRecovery } from "../../../../src/domain/failureObserver.ts"
import type { Budget } from "../../../../src/domain/Provider.ts"
import { BudgetStore } from "../../../../src/providers/guard/BudgetStore.ts"
import { Guard } from "../../../../src/providers/guard/Guard.ts"

const failing = (reason: ProviderError["reason"], retryAfterMs: number | null = null) =>
  new ProviderError({ message: `it was ${reason}`, provider: "itunes", reason, retryAfterMs })

/** Budgets of one window that never ends. */
const budgetsOf = () => {
  const used = new Map<string, number>()
  const nameOf = ({ metric, provider }: Budget) => `${provider}.${metric}`
  const useOf = (budget: Budget, granted: boolean) => ({ used: used.get(nameOf(budget)) ?? 0, granted, resetsAt: new Date(0) })
  const layer = Layer.succeed(BudgetStore, BudgetStore.of({
    reserve: (budget, amount) =>
      Effect.sync(() => {
        const next = (used.get(nameOf(budget)) ?? 0) + amount
        if (next > budget.limit) return useOf(budget, false)
        used.set(nameOf(budget), next)
        return useOf(budget, true)
      }),
    adjust: (budget, difference) => Effect.sync(() => void used.set(nameOf(budget), (used.get(nameOf(budget)) ?? 0) + difference)),
    used: (budget) => Effect.sync(() => useOf(budget, false))
  }))
  return { used, layer }
}

const guarded = (budgets: ReadonlyArray<Budget> = []) => {
  const told = { failed: [] as Array<ObservedFailure>, recovered: [] as Array<ObservedRecovery> }
  const store = budgetsOf()
  const itunes = { tries: 3, timeoutMs: 10_000, firstPauseMs: 500, longestPauseMs: 10_000, failuresToOpen: 5, openForMs: 60_000 }
  const layer = Guard.layer({ configured: new Set(["itunes"]), budgets, policies: { itunes } }).pipe(
    Layer.provide(Layer.mergeAll(
      CircuitBreaker.layerStoreMemory(),
      store.layer,
      Layer.succeed(FailureObserver, { failed: (failure) => told.failed.push(failure), recovered: (recovery) => told.recovered.push(recovery) })
    ))
  )
  return { told, used: store.used, layer }
}

/** Fails with each of these in turn, then succeeds. */
const flaky = (...failures: ReadonlyArray<Failure>) => {
  const state = { tries: 0 }
  const effect = Effect.suspend((): Effect.Effect<string, Failure> => {
    const failure = failures[state.tries++]
    return failure === undefined ? Effect.succeed("result") : Effect.fail(failure)
  })
  return { state, effect }
}

/** What a call comes to when time passes as it needs. */
const eventually = <A, E>(effect: Effect.Effect<A, E, Guard>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.await(fiber)
  })
const call = (effect: Effect.Effect<string, Failure>, cost?: { readonly tokens?: number }) => Effect.flatMap(Guard, (guard) => guard.call("itunes", effect, cost))
const circuit = Effect.flatMap(Guard, (guard) => Effect.map(guard.providers, (providers) => providers.find(({ name }) => name === "itunes")?.circuit))
const open = Effect.forEach([1, 2, 3, 4, 5], () => Effect.exit(call(Effect.fail(failing("INVALID_RESPONSE", 60_000)))))

describe("a guarded call", () => {
  it.effect("is made once when it succeeds", () => {
    const { layer, told } = guarded()
    const { effect, state } = flaky()
    return Effect.gen(function* () {
      expect(yield* call(effect)).toBe("result")
      expect(state.tries).toBe(1)
      expect(told).toEqual({ failed: [], recovered: [] })
    }).pipe(Effect.provide(layer))
  })

  it.effect("is made again while its failures may pass, and tells what it recovered from", () => {
    const { layer, told } = guarded()
    const { effect, state } = flaky(failing("UNAVAILABLE"), failing("RATE_LIMITED"))
    return Effect.gen(function* () {
      expect(yield* eventually(call(effect))).toEqual(Exit.succeed("result"))
      expect(state.tries).toBe(3)
      expect(told.failed).toHaveLength(2)
      expect(told.recovered).toMatchObject([{ code: "PROVIDER_FAILED", provider: "itunes", count: 1 }, { count: 1 }])
      expect(told.recovered[0]?.afterMs).toBeGreaterThan(0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("waits longer before each further try, and as long as it is asked to", () => {
    const { layer } = guarded()
    const { effect, state } = flaky(failing("UNAVAILABLE"), failing("RATE_LIMITED", 7000))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(call(effect))
      yield* TestClock.adjust("249 millis")
      expect(state.tries).toBe(1)
      yield* TestClock.adjust("251 millis")
      expect(state.tries).toBe(2)
      yield* TestClock.adjust("6499 millis")
      expect(state.tries).toBe(2)
      yield* TestClock.adjust("501 millis")
      expect(yield* Fiber.join(fiber)).toBe("result")
    }).pipe(Effect.provide(layer))
  })

  it.effect("is given back at once when it is asked to wait longer than a call may", () => {
    const { layer } = guarded()
    const { effect, state } = flaky(failing("RATE_LIMITED", 60_000))
    return Effect.gen(function* () {
      expect(yield* Effect.flip(call(effect))).toMatchObject({ reason: "RATE_LIMITED", retryAfterMs: 60_000 })
      expect(state.tries).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("is not made again when it was refused, and that says nothing against the provider", () => {
    const { layer } = guarded()
    const unusable = new UnsupportedMediaError({ message: "no audio", detected: null, supported: [] })
    return Effect.gen(function* () {
      for (let n = 0; n < 10; n++) {
        const { effect, state } = flaky(n % 2 === 0 ? failing("REJECTED") : unusable)
        expect(yield* Effect.flip(call(effect))).toMatchObject({ retryable: false })
        expect(state.tries).toBe(1)
      }
      expect(yield* circuit).toBe("CLOSED")
    }).pipe(Effect.provide(layer))
  })

  it.effect("ends when the provider does not answer, however often it is asked", () => {
    const { layer } = guarded()
    let tries = 0
    return Effect.gen(function* () {
      const exit = yield* eventually(call(Effect.suspend(() => (tries++, Effect.never))))
      expect(Exit.isFailure(exit) && exit.cause.reasons[0]).toMatchObject({ error: { _tag: "ProviderError", reason: "TIMED_OUT", message: "itunes did not answer within 10s." } })
      expect(tries).toBe(3)
    }).pipe(Effect.provide(layer))
  })

  it.effect("leaves the provider alone after five failed calls in a row, then lets one through, and closes when that succeeds", () => {
    const { layer } = guarded()
    return Effect.gen(function* () {
      yield* open
      const { effect, state } = flaky()
      expect(yield* Effect.flip(call(effect))).toMatchObject({ _tag: "ProviderError", reason: "CIRCUIT_OPEN", retryable: true, retryAfterMs: 60_000 })
      yield* TestClock.adjust("59 seconds")
      expect(yield* Effect.flip(call(effect))).toMatchObject({ reason: "CIRCUIT_OPEN", retryAfterMs: 1000 })
      expect(state.tries).toBe(0)
      expect(yield* circuit).toBe("OPEN")
      yield* TestClock.adjust("1 second")
      expect(yield* circuit).toBe("HALF_OPEN")

      const answer = yield* Deferred.make<string>()
      const probe = yield* Effect.forkChild(call(Deferred.await(answer)))
      yield* Effect.yieldNow
      expect(yield* Effect.flip(call(effect))).toMatchObject({ reason: "CIRCUIT_OPEN" })
      yield* Deferred.succeed(answer, "back")
      expect(yield* Fiber.join(probe)).toBe("back")
      expect(yield* circuit).toBe("CLOSED")
      expect(yield* call(effect)).toBe("result")
    }).pipe(Effect.provide(layer))
  })

  it.effect("opens the circuit again when the probe fails", () => {
    const { layer } = guarded()
    return Effect.gen(function* () {
      yield* open
      yield* TestClock.adjust("60 seconds")
      yield* Effect.exit(call(Effect.fail(failing("UNAVAILABLE", 60_000))))
      expect(yield* circuit).toBe("OPEN")
    }).pipe(Effect.provide(layer))
  })

  it.effect("that is interrupted says nothing of the provider", () => {
    const { layer } = guarded()
    return Effect.gen(function* () {
      for (let n = 0; n < 10; n++) {
        const fiber = yield* Effect.forkChild(call(Effect.never))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
      }
      expect(yield* circuit).toBe("CLOSED")
    }).pipe(Effect.provide(layer))
  })

  it.effect("that dies of a bug counts against what it called, and stays a defect", () => {
    const { layer } = guarded()
    return Effect.gen(function* () {
      for (let n = 0; n < 5; n++) expect(Exit.hasDies(yield* Effect.exit(call(Effect.die(new Error("a bug")))))).toBe(true)
      expect(yield* circuit).toBe("OPEN")
    }).pipe(Effect.provide(layer))
  })

  it.effect("is not made when it does not fit its budgets, and then uses nothing of any", () => {
    const { layer, used } = guarded([
      { provider: "itunes", metric: "requests", limit: 3, windowSeconds: 3600 },
      { provider: "itunes", metric: "tokens", limit: 100, windowSeconds: 86_400 }
    ])
    const { effect, state } = flaky()
    return Effect.gen(function* () {
      yield* call(effect, { tokens: 80 })
      const refused = yield* Effect.flip(call(effect, { tokens: 30 }))
      expect(refused).toMatchObject({ _tag: "BudgetExceededError", metric: "itunes.tokens", limit: 100, current: 80, requested: 30, windowSeconds: 86_400 })
      yield* call(effect, { tokens: 10 })
      yield* call(effect, { tokens: 10 })
      expect(yield* Effect.flip(call(effect))).toMatchObject({ metric: "itunes.requests", limit: 3, current: 3, requested: 1 })
      expect(state.tries).toBe(3)
      expect([...used]).toEqual([["itunes.requests", 3], ["itunes.tokens", 100]])
      expect(yield* circuit).toBe("CLOSED")
    }).pipe(Effect.provide(layer))
  })

  it.effect("shows how its provider stands", () => {
    const { layer } = guarded([{ provider: "itunes", metric: "requests", limit: 3, windowSeconds: 3600 }])
    return Effect.gen(function* () {
      yield* Effect.exit(call(Effect.fail(failing("REJECTED"))))
      yield* call(Effect.succeed("result"))
      const states = yield* Effect.flatMap(Guard, (guard) => guard.providers)
      expect(states.find(({ name }) => name === "itunes")).toMatchObject({ configured: true, circuit: "CLOSED", latencyMs: 0, lastFailure: { reason: "REJECTED" }, budgets: [{ metric: "requests", used: 2, limit: 3 }] })
      expect(states.find(({ name }) => name === "sherpa-onnx")).toMatchObject({ configured: false, lastFailure: undefined, budgets: [] })
    }).pipe(Effect.provide(layer))
  })
})
