/**
 * The list of every expected error with its one line of documentation. GraphQL types, persisted failures, log lines and
 * docs/errors.md are made from it; a test holds it complete against errors.ts, the schema and the document.
 */
import { Schema } from "effect"
import type { ErrorCode } from "./ErrorCode.ts"
import * as errors from "./errors.ts"

interface CatalogEntry {
  readonly code: ErrorCode
  readonly documentation: string
}

/** Keyed by class name, which is also the GraphQL type's name and the `_tag` in every serialised form. */
export const errorCatalog = {
  InvalidInputError: { code: "INVALID_INPUT", documentation: "The input breaks a rule. `issues` has each fault with its path; correct them and send it again." },
  NotFoundError: { code: "NOT_FOUND", documentation: "No such thing, or the id is one of another type." },
  ConflictError: { code: "CONFLICT", documentation: "The action does not fit the state that the thing is in, such as cancelling a finished job." },
  IdempotencyConflictError: { code: "IDEMPOTENCY_CONFLICT", documentation: "The idempotency key was used before with another input." },
  DuplicateTrackError: { code: "DUPLICATE_TRACK", documentation: "The library has this recording already. Pass `allowDuplicate` to import it all the same." },
  UnsupportedMediaError: { code: "UNSUPPORTED_MEDIA", documentation: "The content, whatever its name says, is not audio that can be read here." },
  TooLargeError: { code: "TOO_LARGE", documentation: "More bytes than the limit allows." },
  SourceBlockedError: { code: "SOURCE_BLOCKED", documentation: "The address is private, reserved or otherwise not allowed." },
  SourceUnreachableError: { code: "SOURCE_UNREACHABLE", documentation: "The source did not answer, answered with an error, or broke off." },
  RateLimitedError: { code: "RATE_LIMITED", documentation: "Too many requests; try again after `retryAfterMs`." },
  BudgetExceededError: { code: "BUDGET_EXCEEDED", documentation: "A configured budget has no room for this request in its present window." },
  ProviderError: { code: "PROVIDER_FAILED", documentation: "An outside service failed; `reason` says how." },
  QualityThresholdError: { code: "QUALITY_BELOW_THRESHOLD", documentation: "The result was measured and is below the quality asked for." },
  ResourceLimitError: { code: "RESOURCE_LIMIT", documentation: "The work needs more of a resource than is allowed, such as a longer duration than the limit." },
  TimedOutError: { code: "TIMED_OUT", documentation: "The work took longer than its limit and was stopped." },
  AudioProcessingError: { code: "AUDIO_PROCESSING_FAILED", documentation: "The audio could not be decoded or processed, as when it is damaged or cut short." },
  StorageError: { code: "STORAGE_FAILED", documentation: "A file could not be written or read, as when the disk is full." },
  NotConfiguredError: { code: "NOT_CONFIGURED", documentation: "A capability needs a setting that is absent; `settings` names the environment variables." },
  InternalError: { code: "INTERNAL", documentation: "A bug. Carries the id under which the operator finds it in the logs." }
} as const satisfies Record<string, CatalogEntry>

export type ErrorTag = keyof typeof errorCatalog

/** Any expected error, with its schema: what a job's failure column and a webhook's body hold. */
export const Failure = Schema.Union([
  errors.InvalidInputError,
  errors.NotFoundError,
  errors.ConflictError,
  errors.IdempotencyConflictError,
  errors.DuplicateTrackError,
  errors.UnsupportedMediaError,
  errors.TooLargeError,
  errors.SourceBlockedError,
  errors.SourceUnreachableError,
  errors.RateLimitedError,
  errors.BudgetExceededError,
  errors.ProviderError,
  errors.QualityThresholdError,
  errors.ResourceLimitError,
  errors.TimedOutError,
  errors.AudioProcessingError,
  errors.StorageError,
  errors.NotConfiguredError,
  errors.InternalError
])
export type Failure = typeof Failure.Type
/** A failure as JSON. */
export type EncodedFailure = typeof Failure.Encoded

export const encodeFailure: (failure: Failure) => EncodedFailure = Schema.encodeSync(Failure)
export const decodeFailure: (encoded: unknown) => Failure = Schema.decodeUnknownSync(Failure)
export const isFailure = Schema.is(Failure)
