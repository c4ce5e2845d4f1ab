/** What is shown of providers. Whoever guards the calls to one registers it here, and counts what its calls come to. */
import { type Context, Duration, Effect, Metric, type Scope } from "effect"
import type { BudgetMetric } from "../domain/Provider.ts"
import { metricFamily } from "../domain/metricFamily.ts"
import { observeGauge } from "../domain/observe.ts"

const circuitStates = ["CLOSED", "HALF_OPEN", "OPEN"] as const
export type CircuitState = (typeof circuitStates)[number]

/** Retried calls failed and were tried again; refused ones were not made, because the circuit was open or the budget used up. */
export type CallOutcome = "succeeded" | "retried" | "failed" | "refused"

export interface ObservedProvider {
  /** One of those that the configuration knows, never an address. */
  readonly provider: string
  readonly circuit: () => CircuitState
  /** Of the running window. */
  readonly budgets: ReadonlyArray<{ readonly metric: BudgetMetric; readonly used: () => number; readonly limit: () => number }>
}

const boundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

const circuit = metricFamily(["provider", "state"], (attributes) =>
  Metric.gauge("playhead_provider_circuit", { description: "1 for the state that the circuit breaker of a provider is in, 0 for the others.", attributes }))
const used = metricFamily(["provider", "metric"], (attributes) =>
  Metric.gauge("playhead_provider_budget_used", { description: "What was used of a provider in the running window, in what its label says.", attributes }))
const limit = metricFamily(["provider", "metric"], (attributes) =>
  Metric.gauge("playhead_provider_budget_limit", { description: "What may be used of a provider in a window, in what its label says.", attributes }))
const calls = metricFamily(["provider", "outcome"], (attributes) =>
  Metric.counter("playhead_provider_calls_total", {
    description: "Calls to providers: retried ones failed and were tried again, refused ones were not made as the circuit was open or the budget used up.",
    incremental: true,
    attributes
  }))
const lasted = metricFamily(["provider"], (attributes) =>
  Metric.histogram("playhead_provider_call_duration_seconds", { description: "How long calls to a provider took, each try by itself.", boundaries, attributes }))

/** Shows a provider's circuit and budgets for as long as the scope is open. */
export const observeProvider = ({ budgets, circuit: read, provider }: ObservedProvider): Effect.Effect<void, never, Scope.Scope> =>
  Effect.all([
    ...circuitStates.map((state) => observeGauge(circuit(provider, state), () => (read() === state ? 1 : 0))),
    ...budgets.flatMap((budget) => [
      observeGauge(used(provider, budget.metric), budget.used),
      observeGauge(limit(provider, budget.metric), budget.limit)
    ])
  ], { discard: true })

/** Counts a call, or a try of one. What was refused took no time worth knowing. */
export const countCall = (provider: string, outcome: CallOutcome, elapsed: Duration.Duration): Effect.Effect<void> =>
  Effect.contextWith((context: Context.Context<never>) => {
    calls(provider, outcome).updateUnsafe(1, context)
    if (outcome !== "refused") lasted(provider).updateUnsafe(Duration.toSeconds(elapsed), context)
    return Effect.void
  })
