/** What receivers are told of a job's end. */
import { encodeFailure, type Failure } from "../../domain/errorCatalog.ts"
import { globalId } from "../../domain/globalId.ts"
import type { TellOfEnd } from "../../jobs/OnJobEnded.ts"
import { enqueueWebhook } from "./enqueue.ts"

/** A failure as the API shows it: its fields, with ids that the API understands, and without what lies behind it. */
const shown = (failure: Failure): Readonly<Record<string, unknown>> => {
  const { _tag: type, cause: _, ...fields } = { cause: undefined, ...encodeFailure(failure) }
  return {
    type,
    code: failure.code,
    retryable: failure.retryable,
    ...fields,
    ...("trackId" in fields ? { trackId: globalId("Track", fields.trackId) } : {}),
    ...("jobId" in fields ? { jobId: globalId("Job", fields.jobId) } : {})
  }
}

export const webhookOfEnd: TellOfEnd = (tx, { createdAt, degraded, endedAt, ending, jobId, kind, trackId }) =>
  enqueueWebhook(tx, `JOB_${ending.status}`, {
    occurredAt: endedAt,
    data: {
      jobId: globalId("Job", jobId),
      kind,
      status: ending.status,
      trackId: trackId === null ? null : globalId("Track", trackId),
      degraded,
      createdAt: createdAt.toISOString(),
      finishedAt: endedAt.toISOString(),
      failure: ending.status === "FAILED" ? shown(ending.failure) : null
    }
  })
