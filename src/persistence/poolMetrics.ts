import { Effect, Metric, type Scope } from "effect"
import { metricFamily } from "../domain/metricFamily.ts"
import { observeGauge } from "../domain/observe.ts"
import type { PoolState } from "./engine.ts"

const connections = metricFamily(["state"], (attributes) => Metric.gauge("playhead_database_connections", { description: "Open connections to the database, at work or idle.", attributes }))
const limit = Metric.gauge("playhead_database_connections_limit", { description: "How many connections to the database there may be." })
const waiting = Metric.gauge("playhead_database_requests_waiting", { description: "Callers that wait for a connection to the database." })

export const observePool = (pool: () => PoolState): Effect.Effect<void, never, Scope.Scope> =>
  Effect.all([
    observeGauge(connections("active"), () => pool().total - pool().idle),
    observeGauge(connections("idle"), () => pool().idle),
    observeGauge(limit, () => pool().limit),
    observeGauge(waiting, () => pool().waiting)
  ], { discard: true })
