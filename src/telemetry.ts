/** Traces and metrics for an OpenTelemetry collector. */
import { Effect, Layer } from "effect"
import type { TelemetrySettings } from "./telemetry/TelemetrySettings.ts"

/** Sends what is traced and counted on top of it, and the rest when it ends. Loaded where it is used: it would be a tenth of the start. */
export const layer = (settings: TelemetrySettings): Layer.Layer<never> =>
  Layer.unwrap(Effect.map(Effect.promise(() => import("./telemetry/otlp.ts")), (otlp) => otlp.layer(settings)))
