import { Option, Tracer } from "effect"

/**
 * A tracer that passes on what somebody asked for, requests and jobs with all that happens for them, and keeps silent
 * about what the process does by itself again and again, such as looking for work.
 */
export const onlyAskedFor = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (options) => tracer.span(Option.isNone(options.parent) && options.kind === "internal" ? { ...options, sampled: false } : options),
    context: tracer.context
  })
