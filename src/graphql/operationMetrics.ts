/** What is counted of GraphQL operations: rate, errors and duration of each root field, and who watches. */
import { type Context, Metric } from "effect"
import { ErrorCode } from "../domain/ErrorCode.ts"
import { metricFamily } from "../domain/metricFamily.ts"

const boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Refused ones asked for what may not be asked, failed ones met what nobody expected. */
export type OperationOutcome = "ok" | "refused" | "failed" | "cancelled"

const operations = metricFamily(["type", "field", "outcome"], (attributes) =>
  Metric.counter("playhead_graphql_operations_total", {
    description: "GraphQL operations by root field: ok ones were answered, refused ones asked for what may not be asked, failed ones met what nobody expected.",
    incremental: true,
    attributes
  }))
const lasted = metricFamily(["type", "field"], (attributes) =>
  Metric.histogram("playhead_graphql_operation_duration_seconds", {
    description: "How long the execution of an operation took; of a subscription, until it was under way.",
    boundaries,
    attributes
  }))
const failures = metricFamily(["code"], (attributes) =>
  Metric.counter("playhead_graphql_failures_total", { description: "Failures that clients were told of, as results or as errors, by code.", incremental: true, attributes }))
const subscribers = Metric.gauge("playhead_graphql_subscriptions", { description: "Subscriptions that are under way." })

const codes: ReadonlySet<unknown> = new Set(ErrorCode.literals)

/** `field` is one of the schema's, or a stand-in for those that are none. */
export const countOperation = (type: string, field: string, outcome: OperationOutcome, context: Context.Context<never>): void =>
  operations(type, field, outcome).updateUnsafe(1, context)

export const countDuration = (type: string, field: string, seconds: number, context: Context.Context<never>): void =>
  lasted(type, field).updateUnsafe(seconds, context)

/** Codes that are not of the catalogue are not counted. */
export const countFailure = (code: unknown, context: Context.Context<never>): void => {
  if (codes.has(code)) failures(String(code)).updateUnsafe(1, context)
}

export const countSubscribers = (change: 1 | -1, context: Context.Context<never>): void => subscribers.modifyUnsafe(change, context)
