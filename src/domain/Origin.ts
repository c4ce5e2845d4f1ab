/** Where work comes from: the request that asked for it, and its place in a trace. */
import { Context, Effect, Option, Tracer } from "effect"
import { fromInput } from "effect/http/Headers"
import { w3c } from "effect/http/HttpTraceContext"

/** The request on whose behalf the fiber works; undefined where nobody asked. Every log line in its scope shows it. */
export const RequestId = Context.Reference<string | undefined>("playhead/domain/RequestId", { defaultValue: () => undefined })

/** As it is kept with work that is done later, perhaps by another process. */
export interface Origin {
  readonly requestId: string | null
  /** W3C Trace Context, level 1. */
  readonly traceparent: string | null
}

const toTraceparent = ({ sampled, spanId, traceId }: Tracer.AnySpan): string => `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`

/** The span that a `traceparent` names; undefined when there is none, or it is no such thing. */
export const fromTraceparent = (text: string | null | undefined): Tracer.ExternalSpan | undefined =>
  text === null || text === undefined ? undefined : Option.getOrUndefined(w3c(fromInput({ traceparent: text })))

/** The origin of whatever the fiber asks for now. */
export const currentOrigin: Effect.Effect<Origin> = Effect.contextWith((context: Context.Context<never>) => {
  const span = Context.getOption(context, Tracer.ParentSpan)
  return Effect.succeed({
    requestId: Context.get(context, RequestId) ?? null,
    traceparent: Option.isSome(span) ? toTraceparent(span.value) : null
  })
})

/** A context for what outlasts the request that began it, and serves others besides. */
export const withoutOrigin = <Services>(context: Context.Context<Services>): Context.Context<Services> =>
  Context.omit(RequestId, Tracer.ParentSpan)(context as Context.Context<Services | Tracer.ParentSpan>) as Context.Context<Services>
