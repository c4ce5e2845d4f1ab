/** What a run of a job looks like from outside: the ids on its log lines, and its spans, which lead back to the request. */
import { Effect } from "effect"
import { fromTraceparent, RequestId } from "../domain/Origin.ts"
import type { Claim } from "./Claim.ts"
import type { StageRow } from "./stageRows.ts"

/** A run has a trace of its own, as it may begin days after the request, on another node, and more than once; it links to the request's. */
export const inRun = <A, E, R>({ attempt, definition, jobId, origin, trackId }: Claim, run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const request = fromTraceparent(origin.traceparent)
  return run.pipe(
    Effect.withSpan(`Job ${definition.kind}`, {
      kind: "consumer",
      root: true,
      // What is not to be followed is not followed to its end either.
      ...(request?.sampled === false ? { sampled: false } : {}),
      links: request === undefined ? [] : [{ span: request, attributes: {} }],
      attributes: {
        "playhead.job.id": jobId,
        "playhead.job.kind": definition.kind,
        "playhead.job.attempt": attempt,
        ...(trackId === null ? {} : { "playhead.track.id": trackId }),
        ...(origin.requestId === null ? {} : { "playhead.request.id": origin.requestId })
      }
    }, { captureStackTrace: false }),
    Effect.annotateLogs({ jobId, kind: definition.kind, attempt, ...(trackId === null ? {} : { trackId }) }),
    Effect.provideService(RequestId, origin.requestId ?? undefined)
  )
}

export const inStage = <A, E, R>({ definition }: Claim, { attempt, name }: StageRow, stage: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  stage.pipe(
    Effect.withSpan(`Stage ${name}`, {
      attributes: { "playhead.job.kind": definition.kind, "playhead.stage.name": name, "playhead.stage.attempt": attempt }
    }, { captureStackTrace: false })
  )
