import { hostname } from "node:os"
import { type Duration, Effect, Layer, Redacted, Tracer } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { OtlpMetrics, OtlpTracer } from "effect/observability"
import { layer as collector } from "./collector.ts"
import { layer as serialization } from "./serialization.ts"
import { onlyAskedFor } from "./sampling.ts"
import type { TelemetrySettings } from "./TelemetrySettings.ts"

/** How long the end of the process waits for the last of it. */
const shutdownTimeout: Duration.Input = "2 seconds"

export const layer = ({ endpoint, headers, serviceName, version }: TelemetrySettings): Layer.Layer<never> => {
  const url = (path: string): string => `${endpoint.replace(/\/+$/u, "")}${path}`
  const common = {
    headers: Redacted.value(headers),
    shutdownTimeout,
    resource: {
      serviceName,
      serviceVersion: version,
      attributes: { "service.instance.id": uuidV7Unsafe(), "host.name": hostname(), "process.pid": process.pid }
    }
  }
  const traces = Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, onlyAskedFor)
  ).pipe(Layer.provideMerge(OtlpTracer.layer({ ...common, url: url("/v1/traces") })))
  const metrics = OtlpMetrics.layer({ ...common, url: url("/v1/metrics") })
  return Layer.mergeAll(traces, metrics).pipe(Layer.provide(Layer.merge(collector(endpoint), serialization)))
}
