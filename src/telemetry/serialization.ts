/** OTLP in JSON, without secrets: the text of an exception can hold anything, as on a log line. */
import { Effect, Layer } from "effect"
import { OtlpSerialization, type OtlpTracer } from "effect/observability"
import { redactText } from "../domain/redaction.ts"

type Span = OtlpTracer.TraceData["resourceSpans"][number]["scopeSpans"][number]["spans"][number]

const redactSpan = (span: Span): Span =>
  span.events.length === 0 && span.status.message === undefined ? span : {
    ...span,
    status: span.status.message === undefined ? span.status : { ...span.status, message: redactText(span.status.message) },
    events: span.events.map((event) => ({
      ...event,
      attributes: event.attributes.map((attribute) =>
        typeof attribute.value.stringValue === "string" ? { ...attribute, value: { stringValue: redactText(attribute.value.stringValue) } } : attribute
      )
    }))
  }

export const layer = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  Effect.map(OtlpSerialization.OtlpSerialization, (json) =>
    OtlpSerialization.OtlpSerialization.of({
      ...json,
      traces: ({ resourceSpans }) =>
        json.traces({
          resourceSpans: resourceSpans.map((resource) => ({
            ...resource,
            scopeSpans: resource.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.map(redactSpan) }))
          }))
        })
    }))
).pipe(Layer.provide(OtlpSerialization.layerJson))
