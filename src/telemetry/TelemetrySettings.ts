import type { Redacted } from "effect"

export interface TelemetrySettings {
  /** Where the collector takes OTLP over HTTP; `/v1/traces` and `/v1/metrics` are appended. */
  readonly endpoint: string
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly serviceName: string
  readonly version: string
}
