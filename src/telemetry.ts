/** Traces and metrics for an OpenTelemetry collector. */
import { Effect, Layer, type Redacted } from "effect"

export interface TelemetrySettings {
  /** Where the collector takes OTLP over HTTP; `/v1/traces` and `/v1/metrics` are appended. */
  readonly endpoint: string
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly serviceName: string
  readonly version: string
}

/** Sends what is traced and counted on top of it, and the rest when it ends. Loaded where it is used: it would be a tenth of the start. */
export const layer = (settings: TelemetrySettings): Layer.Layer<never> =>
  Layer.unwrap(Effect.map(Effect.promise(() => import("./telemetry/otlp.ts")), (otlp) => otlp.layer(settings)))
