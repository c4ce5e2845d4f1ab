import { Cause, type Logger, Predicate, References } from "effect"
import { RequestId } from "../domain/Origin.ts"
import { type ErrorShape, errorShape } from "./errorShape.ts"
import { redactRecord, redactText, redactValue } from "../domain/redaction.ts"

/** What a log entry says, before it is printed as JSON or for people. Nothing in it is secret. */
export interface LogRecord {
  /** ISO 8601 in UTC. */
  readonly time: string
  readonly level: string
  readonly message: string
  /** Which request the line belongs to, and what the surrounding fiber is annotated with: `jobId`, `trackId`, `stage` … */
  readonly annotations: Readonly<Record<string, unknown>>
  /** Objects that were logged beside the message. */
  readonly data?: Readonly<Record<string, unknown>>
  /** Milliseconds since each open log span began. */
  readonly spans?: Readonly<Record<string, number>>
  /** Where in a trace the line was written. */
  readonly traceId?: string
  readonly spanId?: string
  readonly error?: ErrorShape
  /** Of failures that came together. */
  readonly otherErrors?: ReadonlyArray<ErrorShape>
  readonly interrupted?: true
}

/** `Effect.log` with several arguments: texts make the message, errors are reported as such, objects become data. */
export const logRecord = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): LogRecord => {
  const parts = Array.isArray(message) ? message : [message]
  const isError = (part: unknown): part is Error => part instanceof Error
  const isData = (part: unknown): part is object => Predicate.isObject(part) && !isError(part) && !Array.isArray(part)
  const texts = parts.filter((part) => !isError(part) && !isData(part))
  const data = parts.filter(isData)
  const thrown = cause.reasons.flatMap((reason) => Cause.isFailReason(reason) ? [reason.error] : Cause.isDieReason(reason) ? [reason.defect] : [])
  const [error, ...others] = [...parts.filter(isError), ...thrown].map(errorShape)
  const spans = fiber.getRef(References.CurrentLogSpans)
  const requestId = fiber.getRef(RequestId)
  const { span } = fiber.cache
  const told = texts.map((text) => (typeof text === "string" ? redactText(text) : JSON.stringify(redactValue(text)))).join(" ")
  return {
    time: date.toISOString(),
    level: logLevel.toLowerCase(),
    message: told === "" ? (error?.message ?? (cause.reasons.length > 0 ? "interrupted" : "")) : told,
    annotations: redactRecord({ ...(requestId === undefined ? {} : { requestId }), ...fiber.getRef(References.CurrentLogAnnotations) }),
    ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
    ...(data.length === 0 ? {} : { data: redactRecord(Object.fromEntries(data.flatMap((each) => Object.entries(each)))) }),
    ...(spans.length === 0 ? {} : { spans: Object.fromEntries(spans.map(([label, since]) => [label, date.getTime() - since])) }),
    ...(error === undefined ? {} : { error }),
    ...(others.length === 0 ? {} : { otherErrors: others }),
    ...(cause.reasons.some(Cause.isInterruptReason) ? { interrupted: true } : {})
  }
}
