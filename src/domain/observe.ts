/** Metrics that are read when somebody looks at them, from whoever knows the value. */
import { type Context, Effect, Metric, type Scope } from "effect"

const register = <Input, State>(metric: Metric.Metric<Input, State>, read: () => State): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() => Metric.registerUnsafe(metric, context, { get: read, update: () => {}, modify: () => {} }))
    ),
    (registration) => Effect.sync(registration.remove)
  ))

/** Shows a value that goes up and down for as long as the scope is open. */
export const observeGauge = (gauge: Metric.Gauge<number>, read: () => number): Effect.Effect<void, never, Scope.Scope> =>
  register(gauge, () => ({ value: read() }))

/** Shows a sum that only grows. */
export const observeCounter = (counter: Metric.Counter<number>, read: () => number): Effect.Effect<void, never, Scope.Scope> =>
  register(counter, () => ({ count: read(), incremental: true }))
