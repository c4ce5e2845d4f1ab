import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Metric } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { layer as logging } from "../../../../src/logging.ts"
import { Metrics, type MetricSource } from "../../../../src/operations/metrics/Metrics.ts"
import { countCall, observeProvider } from "../../../../src/providers/providerMetrics.ts"
import { parseExposition } from "../../../support/exposition.ts"

const gauge = Metric.gauge("test_level", { description: "A level.", attributes: { place: "here\n\"there\"\\" } })

const withMetrics = <A, E>(sources: ReadonlyArray<MetricSource>, use: Effect.Effect<A, E, Metrics>) =>
  use.pipe(Effect.provide(
    Metrics.layer({ version: "1.2.3", sources: Effect.succeed(sources) }).pipe(
      Layer.provideMerge(Metrics.registry),
      Layer.provideMerge(logging({ format: "json", level: "Info" }))
    )
  ))
const exposition = Effect.map(Effect.flatMap(Metrics, (metrics) => metrics.exposition), parseExposition)
const valueOf = (name: string) => Effect.map(exposition, (families) => families.get(name)?.series[0]?.value)

describe("metrics that have to be asked for", () => {
  it.effect("are asked for when somebody looks, and once a second at most", () => {
    let asked = 0
    const source: MetricSource = { name: "levels", read: Effect.sync(() => [[gauge, ++asked]]) }
    return withMetrics([source], Effect.gen(function*() {
      expect(yield* valueOf("test_level")).toBe(1)
      expect(yield* Effect.all([exposition, exposition, valueOf("test_level")], { concurrency: "unbounded" })).toHaveProperty("2", 1)
      yield* TestClock.adjust("1 second")
      expect(yield* valueOf("test_level")).toBe(2)
      const [series] = (yield* exposition).get("test_level")?.series ?? []
      expect(series?.labels).toEqual({ place: "here\n\"there\"\\" })
    }))
  })

  it.effect("vanish while their source does not answer, with one line in the log, and come back", () => {
    let works = true
    const source: MetricSource = { name: "levels", read: Effect.suspend(() => works ? Effect.succeed([[gauge, 7] as const]) : Effect.fail(new Error("gone"))) }
    return withMetrics([source], Effect.gen(function*() {
      expect(yield* valueOf("test_level")).toBe(7)
      works = false
      for (let look = 0; look < 3; look++) {
        yield* TestClock.adjust("2 seconds")
        expect(yield* valueOf("test_level")).toBeUndefined()
        expect(yield* valueOf("playhead_metric_source_up")).toBe(0)
      }
      expect(yield* TestConsole.logLines).toHaveLength(1)
      works = true
      yield* TestClock.adjust("2 seconds")
      expect(yield* valueOf("test_level")).toBe(7)
      expect(yield* valueOf("playhead_metric_source_up")).toBe(1)
    }))
  })

  it.effect("hold nobody up for longer than three seconds", () =>
    withMetrics([{ name: "stuck", read: Effect.never }], Effect.gen(function*() {
      const look = yield* Effect.forkChild(valueOf("playhead_metric_source_up"))
      yield* TestClock.adjust("3 seconds")
      expect(yield* Fiber.join(look)).toBe(0)
    })))
})

describe("a guarded provider", () => {
  it.effect("shows its circuit and its budgets while it is registered, and what its calls came to", () => {
    let open = false
    return withMetrics([], Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* observeProvider({ provider: "replicate", circuit: () => (open ? "OPEN" : "CLOSED"), budgets: [{ metric: "requests", used: () => 3, limit: () => 100 }] })
        yield* countCall("replicate", "succeeded", Duration.millis(120))
        yield* countCall("replicate", "refused", Duration.zero)
        const circuit = Effect.map(exposition, (families) => families.get("playhead_provider_circuit")?.series.find(({ value }) => value === 1)?.labels["state"])
        expect(yield* circuit).toBe("CLOSED")
        open = true
        expect(yield* circuit).toBe("OPEN")
        expect(yield* valueOf("playhead_provider_budget_used")).toBe(3)
        expect(yield* valueOf("playhead_provider_budget_limit")).toBe(100)
        const families = yield* exposition
        expect(families.get("playhead_provider_calls_total")?.series.map(({ labels }) => labels["outcome"])).toEqual(["succeeded", "refused"])
        expect(families.get("playhead_provider_call_duration_seconds")?.series.at(-1)?.value).toBe(1)
      }))
      expect(yield* valueOf("playhead_provider_circuit")).toBeUndefined()
    }))
  })
})
