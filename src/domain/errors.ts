/**
 * Every failure that Playhead expects. One class is one code, one GraphQL type, one log shape and one form in the
 * database: the fields declared here are all of them. A class is also its own schema, so an error survives being
 * written to a job's row, a webhook's body or a worker's message and comes back as what it was.
 *
 * `message` is for people and says what to do; `retryable` says whether the same request can succeed later unchanged.
 */
import { Schema } from "effect"
import type { ErrorCode } from "./ErrorCode.ts"
import { JobStatus, StageName } from "./Job.ts"

/** What all classes below share; the bridge to GraphQL and the job runner rely on nothing else. */
export interface ExpectedError extends Error {
  readonly _tag: string
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  /** How long to wait before the next try, where whoever refused said so. */
  readonly retryAfterMs?: number | null | undefined
}

const message = Schema.String
const cause = Schema.optionalKey(Schema.Defect())
const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** One fault of an input; `path` leads from the field's arguments to the value, list positions as decimal strings. */
export const InputIssue = Schema.Struct({ path: Schema.Array(Schema.String), message: Schema.String })
export type InputIssue = typeof InputIssue.Type

export class InvalidInputError extends Schema.TaggedError<InvalidInputError>()("InvalidInputError", {
  message,
  issues: Schema.Array(InputIssue)
}) {
  get code() { return "INVALID_INPUT" as const }
  get retryable() { return false }
}

export class NotFoundError extends Schema.TaggedError<NotFoundError>()("NotFoundError", {
  message,
  /** The id as the client sent it. */
  id: Schema.String
}) {
  get code() { return "NOT_FOUND" as const }
  get retryable() { return false }
}

export class ConflictError extends Schema.TaggedError<ConflictError>()("ConflictError", {
  message,
  jobStatus: nullable(JobStatus),
  version: nullable(Schema.Int)
}) {
  get code() { return "CONFLICT" as const }
  get retryable() { return false }
}

export class IdempotencyConflictError extends Schema.TaggedError<IdempotencyConflictError>()("IdempotencyConflictError", {
  message,
  /** The job that the key belongs to. */
  jobId: Schema.String
}) {
  get code() { return "IDEMPOTENCY_CONFLICT" as const }
  get retryable() { return false }
}

export class DuplicateTrackError extends Schema.TaggedError<DuplicateTrackError>()("DuplicateTrackError", {
  message,
  /** The track that is already there. */
  trackId: Schema.String,
  /** 1 for equal bytes, else the share of equal fingerprint bits in the best alignment, 0 to 1. */
  similarity: Schema.Finite
}) {
  get code() { return "DUPLICATE_TRACK" as const }
  get retryable() { return false }
}

export class UnsupportedMediaError extends Schema.TaggedError<UnsupportedMediaError>()("UnsupportedMediaError", {
  message,
  /** What the content was found to be. */
  detected: nullable(Schema.String),
  supported: Schema.Array(Schema.String)
}) {
  get code() { return "UNSUPPORTED_MEDIA" as const }
  get retryable() { return false }
}

export class TooLargeError extends Schema.TaggedError<TooLargeError>()("TooLargeError", {
  message,
  limitBytes: Schema.Finite,
  actualBytes: nullable(Schema.Finite)
}) {
  get code() { return "TOO_LARGE" as const }
  get retryable() { return false }
}

export class SourceBlockedError extends Schema.TaggedError<SourceBlockedError>()("SourceBlockedError", {
  message,
  host: Schema.String
}) {
  get code() { return "SOURCE_BLOCKED" as const }
  get retryable() { return false }
}

export class SourceUnreachableError extends Schema.TaggedError<SourceUnreachableError>()("SourceUnreachableError", {
  message,
  url: Schema.String,
  httpStatus: nullable(Schema.Int),
  retryAfterMs: nullable(Schema.Int),
  cause
}) {
  get code() { return "SOURCE_UNREACHABLE" as const }
  /** A refusal (4xx) stays one; no answer, a broken answer, 408, 425, 429 and 5xx may pass. */
  get retryable() {
    const status = this.httpStatus ?? 0
    return status < 300 || status >= 500 || [408, 425, 429].includes(status)
  }
}

export class RateLimitedError extends Schema.TaggedError<RateLimitedError>()("RateLimitedError", {
  message,
  retryAfterMs: Schema.Int
}) {
  get code() { return "RATE_LIMITED" as const }
  get retryable() { return true }
}

export class BudgetExceededError extends Schema.TaggedError<BudgetExceededError>()("BudgetExceededError", {
  message,
  metric: Schema.String,
  limit: Schema.Finite,
  current: Schema.Finite,
  requested: Schema.Finite,
  windowSeconds: Schema.Int
}) {
  get code() { return "BUDGET_EXCEEDED" as const }
  get retryable() { return true }
}

export const ProviderErrorReason = Schema.Literals([
  "RATE_LIMITED",
  "TIMED_OUT",
  "UNAVAILABLE",
  "REJECTED",
  "CIRCUIT_OPEN",
  "INVALID_RESPONSE"
])
export type ProviderErrorReason = typeof ProviderErrorReason.Type

export class ProviderError extends Schema.TaggedError<ProviderError>()("ProviderError", {
  message,
  provider: Schema.String,
  reason: ProviderErrorReason,
  retryAfterMs: nullable(Schema.Int),
  cause
}) {
  get code() { return "PROVIDER_FAILED" as const }
  get retryable() { return this.reason !== "REJECTED" }
}

export class QualityThresholdError extends Schema.TaggedError<QualityThresholdError>()("QualityThresholdError", {
  message,
  metric: Schema.String,
  score: Schema.Finite,
  threshold: Schema.Finite
}) {
  get code() { return "QUALITY_BELOW_THRESHOLD" as const }
  get retryable() { return false }
}

export class ResourceLimitError extends Schema.TaggedError<ResourceLimitError>()("ResourceLimitError", {
  message,
  /** What ran out, with its unit: `durationMinutes`, `diskBytes`. */
  resource: Schema.String,
  limit: Schema.Finite
}) {
  get code() { return "RESOURCE_LIMIT" as const }
  get retryable() { return false }
}

export class TimedOutError extends Schema.TaggedError<TimedOutError>()("TimedOutError", {
  message,
  stage: nullable(StageName),
  timeoutMs: Schema.Int,
  cause
}) {
  get code() { return "TIMED_OUT" as const }
  get retryable() { return true }
}

export class AudioProcessingError extends Schema.TaggedError<AudioProcessingError>()("AudioProcessingError", {
  message,
  stage: nullable(StageName),
  cause
}) {
  get code() { return "AUDIO_PROCESSING_FAILED" as const }
  /** The same bytes give the same result. */
  get retryable() { return false }
}

export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", {
  message,
  cause
}) {
  get code() { return "STORAGE_FAILED" as const }
  get retryable() { return true }
}

export class NotConfiguredError extends Schema.TaggedError<NotConfiguredError>()("NotConfiguredError", {
  message,
  /** The environment variables to set. */
  settings: Schema.Array(Schema.String)
}) {
  get code() { return "NOT_CONFIGURED" as const }
  get retryable() { return false }
}

/** What a client sees of a bug: the id leads the operator to the log line with everything else. */
export class InternalError extends Schema.TaggedError<InternalError>()("InternalError", {
  message,
  incidentId: Schema.String
}) {
  get code() { return "INTERNAL" as const }
  get retryable() { return false }
}
