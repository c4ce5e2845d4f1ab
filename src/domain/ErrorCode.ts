import { Schema } from "effect"

/** The code of every failure that a client can meet. Programs branch on it; it never changes its meaning. */
export const ErrorCode = Schema.Literals([
  "INVALID_INPUT",
  "NOT_FOUND",
  "CONFLICT",
  "IDEMPOTENCY_CONFLICT",
  "DUPLICATE_TRACK",
  "UNSUPPORTED_MEDIA",
  "TOO_LARGE",
  "SOURCE_BLOCKED",
  "SOURCE_UNREACHABLE",
  "RATE_LIMITED",
  "BUDGET_EXCEEDED",
  "PROVIDER_FAILED",
  "QUALITY_BELOW_THRESHOLD",
  "RESOURCE_LIMIT",
  "TIMED_OUT",
  "AUDIO_PROCESSING_FAILED",
  "STORAGE_FAILED",
  "NOT_CONFIGURED",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "INTERNAL"
])
export type ErrorCode = typeof ErrorCode.Type
