/** An incident as an event of Sentry's protocol (https://develop.sentry.dev/sdk/data-model/event-payloads/). */
import { Predicate, type Tracer } from "effect"
import { redactRecord, redactText } from "../../domain/redaction.ts"
import { stackFrames } from "./stackFrames.ts"

export interface Incident {
  /** 32 hexadecimal digits. */
  readonly eventId: string
  readonly at: Date
  readonly error: Error
  /** What the fiber's log lines are annotated with: `incidentId`, `jobId`, `stage` … */
  readonly annotations: Readonly<Record<string, unknown>>
  readonly requestId: string | undefined
  readonly span: Tracer.AnySpan | undefined
}

export interface Release {
  readonly release: string
  readonly environment: string
  readonly serverName: string
  /** Of the source, which need not be told. */
  readonly root: string
}

const longestChain = 5
const longestTag = 200
/** By what incidents are searched; whatever else is known stands beside it. */
const tagNames = new Set(["incidentId", "jobId", "trackId", "kind", "stage", "attempt"])

const textOf = (value: unknown): string => redactText(String(value)).replaceAll(/\s+/gu, " ").slice(0, longestTag)

/** The cause of all first, as the protocol has it. */
const exceptions = (error: unknown, root: string, depth = 0): ReadonlyArray<object> => {
  if (!Predicate.isObject(error) || depth >= longestChain) return []
  const text = (name: string): string | undefined => Predicate.hasProperty(error, name) && typeof error[name] === "string" ? error[name] : undefined
  const cause = Predicate.hasProperty(error, "cause") ? error.cause : undefined
  const frames = stackFrames(text("stack") ?? "", root)
  return [
    ...exceptions(cause, root, depth + 1),
    {
      type: text("_tag") ?? text("name") ?? "Error",
      value: redactText(text("message") ?? ""),
      ...(frames.length === 0 ? {} : { stacktrace: { frames } }),
      mechanism: { type: "generic", handled: true }
    }
  ]
}

/** As JSON, without secrets. */
export const eventOf = ({ annotations, at, error, eventId, requestId, span }: Incident, { environment, release, root, serverName }: Release): object => {
  const known = redactRecord(annotations)
  const entries = Object.entries(known)
  return {
    event_id: eventId,
    timestamp: at.getTime() / 1000,
    platform: "node",
    level: "error",
    release,
    environment,
    server_name: serverName,
    exception: { values: exceptions(error, root) },
    tags: {
      ...Object.fromEntries(entries.filter(([name]) => tagNames.has(name)).map(([name, value]) => [name, textOf(value)])),
      ...(requestId === undefined ? {} : { requestId: textOf(requestId) })
    },
    extra: Object.fromEntries(entries.filter(([name]) => !tagNames.has(name))),
    ...(span === undefined ? {} : { contexts: { trace: { type: "trace", trace_id: span.traceId, span_id: span.spanId } } })
  }
}

/** The event in its envelope (https://develop.sentry.dev/sdk/data-model/envelopes/). */
export const envelopeOf = (eventId: string, sentAt: Date, event: object): Uint8Array => {
  const payload = Buffer.from(JSON.stringify(event))
  return Buffer.concat([
    Buffer.from(`${JSON.stringify({ event_id: eventId, sent_at: sentAt.toISOString() })}\n${JSON.stringify({ type: "event", content_type: "application/json", length: payload.length })}\n`),
    payload,
    Buffer.from("\n")
  ])
}
