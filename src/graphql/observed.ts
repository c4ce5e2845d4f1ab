/**
 * An operation as operators see it: a span by OpenTelemetry's conventions for GraphQL servers, its metrics, and a request
 * id that whatever is logged on its behalf bears.
 */
import { Clock, Context, Effect, Exit, Option, References, Tracer } from "effect"
import type { ExecutionArgs, ExecutionResult, GraphQLError } from "graphql"
import { RequestId } from "../domain/Origin.ts"
import type { Arrival, GraphQLContext } from "./GraphQLContext.ts"
import { isIntended } from "./intended.ts"
import { makeLoaders } from "./loaders.ts"
import { countDuration, countFailure, countOperation, type OperationOutcome } from "./operationMetrics.ts"
import { operationSummary } from "./rootField.ts"
import { wantedFields } from "./wantedFields.ts"

const longestName = 120
const nobody = { type: "unknown", field: "(unknown)", name: undefined } as const

const outcomeOf = (errors: ReadonlyArray<GraphQLError>): OperationOutcome => {
  if (errors.length === 0) return "ok"
  if (errors.some((error) => !isIntended(error) || error.extensions["code"] === "INTERNAL")) return "failed"
  return errors.every((error) => error.extensions["code"] === "CANCELLED") ? "cancelled" : "refused"
}

const errorsOf = (result: object): ReadonlyArray<GraphQLError> => ("errors" in result ? (result as ExecutionResult).errors ?? [] : [])

/** Runs an operation with the context that resolvers expect. */
export const observed = async <Result extends object>(args: ExecutionArgs, run: (args: ExecutionArgs) => Result | Promise<Result>): Promise<Result> => {
  const arrival = args.contextValue as Arrival
  const base = arrival.services
  const clock = Context.get(base, Clock.Clock)
  const { field, name, type } = operationSummary(args.document, args.operationName) ?? nobody
  const began = clock.currentTimeNanosUnsafe()
  // By the conventions: a name that the client chose is an attribute, never the span's own.
  const span = Context.get(base, Tracer.Tracer).span({
    name: type === "unknown" ? "GraphQL Operation" : type,
    parent: Option.fromUndefinedOr(arrival.caller),
    annotations: Context.empty(),
    links: [],
    startTime: began,
    kind: "server",
    root: false,
    sampled: arrival.caller?.sampled ?? true
  })
  span.attribute("graphql.operation.type", type)
  if (name !== undefined) span.attribute("graphql.operation.name", name.slice(0, longestName))
  span.attribute("playhead.graphql.field", field)
  span.attribute("playhead.request.id", arrival.requestId)
  const services = base.pipe(Context.add(RequestId, arrival.requestId), Context.add(Tracer.ParentSpan, span))
  const wanted = wantedFields(args.document)
  const contextValue: Arrival & GraphQLContext = { ...arrival, services, wanted, loaders: makeLoaders(services, wanted) }

  const end = (outcome: OperationOutcome): void => {
    const ended = clock.currentTimeNanosUnsafe()
    if (outcome === "failed") span.attribute("error.type", "INTERNAL")
    span.end(ended, outcome === "failed" ? Exit.die("The operation met what nobody expected; the log has it.") : Exit.void)
    const seconds = Number(ended - began) / 1e9
    countOperation(type, field, outcome, base)
    countDuration(type, field, seconds, base)
    if (["All", "Trace", "Debug"].includes(Context.get(base, References.MinimumLogLevel))) {
      Effect.runForkWith(services)(Effect.logDebug("An operation was answered", { type, field, name: name?.slice(0, longestName), outcome, durationMs: Math.round(seconds * 1e3) }))
    }
  }
  try {
    const result = await run({ ...args, contextValue })
    const errors = errorsOf(result)
    for (const error of errors) countFailure(error.extensions["code"], base)
    end(outcomeOf(errors))
    return result
  } catch (error) {
    end("failed")
    throw error
  }
}
