import { Metric } from "effect"

export const openSockets = Metric.gauge("playhead_websocket_connections", { description: "Open WebSockets." })
export const fellBehind = Metric.counter("playhead_websocket_fell_behind_total", {
  description: "WebSockets that were closed because their client did not take what it had subscribed to.",
  incremental: true
})
