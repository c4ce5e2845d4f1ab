/** One type for each class of domain/errors.ts, under the same name and with the description that the catalog has. */
import { Predicate } from "effect"
import { errorCatalog, type ErrorTag } from "../../domain/errorCatalog.ts"
import * as errors from "../../domain/errors.ts"
import { builder } from "../builder.ts"
import { present } from "../bridge.ts"
import { JobStatusEnum, ProviderErrorReasonEnum, StageNameEnum } from "../enums.ts"
import { JobRef } from "../jobs/JobRef.ts"
import { TrackRef } from "../library/TrackRef.ts"
import { most } from "../limits.ts"
import { ErrorInterface } from "./ErrorInterface.ts"

const described = <Tag extends ErrorTag>(name: Tag) => ({
  name,
  interfaces: [ErrorInterface],
  description: errorCatalog[name].documentation,
  // By its tag and not by its class: as the value of a field it is a plain object (see `failureValue`).
  isTypeOf: (value: unknown) => Predicate.hasProperty(value, "_tag") && value._tag === name
})

const InputIssueRef = builder.objectRef<errors.InputIssue>("InputIssue").implement({
  description: "One fault of an input.",
  fields: (t) => ({
    path: t.stringList({ description: "The way from the field's arguments to the value.", resolve: (issue) => [...issue.path] }),
    message: t.exposeString("message", { description: "What is wrong with it." })
  })
})

builder.objectType(errors.InvalidInputError, {
  ...described("InvalidInputError"),
  fields: (t) => ({ issues: t.field({ type: [InputIssueRef], extensions: { [most]: 20 }, description: "Every fault that was found.", resolve: (error) => [...error.issues] }) })
})

builder.objectType(errors.NotFoundError, {
  ...described("NotFoundError"),
  fields: (t) => ({ id: t.exposeID("id", { description: "What was asked for." }) })
})

builder.objectType(errors.ConflictError, {
  ...described("ConflictError"),
  fields: (t) => ({
    jobStatus: t.field({ type: JobStatusEnum, nullable: true, description: "Where the job stands.", resolve: (error) => error.jobStatus }),
    version: t.int({ nullable: true, description: "The thing's present version.", resolve: (error) => error.version })
  })
})

builder.objectType(errors.IdempotencyConflictError, {
  ...described("IdempotencyConflictError"),
  fields: (t) => ({
    job: t.field({ type: JobRef, description: "The job that the key belongs to.", resolve: (error, _, { loaders }) => present(loaders.job.load(error.jobId)) })
  })
})

builder.objectType(errors.DuplicateTrackError, {
  ...described("DuplicateTrackError"),
  fields: (t) => ({
    track: t.field({ type: TrackRef, description: "The track that is already there.", resolve: (error, _, { loaders }) => present(loaders.track.load(error.trackId)) }),
    similarity: t.exposeFloat("similarity", { description: "1 for equal bytes; else the share of equal fingerprint bits, 0 to 1." })
  })
})

builder.objectType(errors.UnsupportedMediaError, {
  ...described("UnsupportedMediaError"),
  fields: (t) => ({
    detected: t.string({ nullable: true, description: "What the content was found to be.", resolve: (error) => error.detected }),
    supported: t.stringList({ description: "The containers that are supported.", resolve: (error) => [...error.supported] })
  })
})

builder.objectType(errors.TooLargeError, {
  ...described("TooLargeError"),
  fields: (t) => ({
    limitBytes: t.exposeFloat("limitBytes", { description: "The most that is allowed." }),
    actualBytes: t.float({ nullable: true, description: "How large it is, where that is known.", resolve: (error) => error.actualBytes })
  })
})

builder.objectType(errors.SourceBlockedError, {
  ...described("SourceBlockedError"),
  fields: (t) => ({ host: t.exposeString("host", { description: "The host that may not be reached." }) })
})

builder.objectType(errors.SourceUnreachableError, {
  ...described("SourceUnreachableError"),
  fields: (t) => ({
    url: t.expose("url", { type: "URL", description: "The address that was asked, after redirects." }),
    httpStatus: t.int({ nullable: true, description: "What it answered, if it did.", resolve: (error) => error.httpStatus })
  })
})

builder.objectType(errors.RateLimitedError, {
  ...described("RateLimitedError"),
  fields: (t) => ({ retryAfterMs: t.exposeInt("retryAfterMs", { description: "How long to wait, in milliseconds." }) })
})

builder.objectType(errors.BudgetExceededError, {
  ...described("BudgetExceededError"),
  fields: (t) => ({
    metric: t.exposeString("metric", { description: "What is counted, with its unit." }),
    limit: t.exposeFloat("limit", { description: "How much is allowed in a window." }),
    current: t.exposeFloat("current", { description: "How much is used." }),
    requested: t.exposeFloat("requested", { description: "How much more was asked for." }),
    windowSeconds: t.exposeInt("windowSeconds", { description: "The window's length." })
  })
})

builder.objectType(errors.ProviderError, {
  ...described("ProviderError"),
  fields: (t) => ({
    provider: t.exposeString("provider", { description: "The service that failed." }),
    reason: t.expose("reason", { type: ProviderErrorReasonEnum, description: "In which way." }),
    retryAfterMs: t.int({ nullable: true, description: "How long it asked to wait, in milliseconds.", resolve: (error) => error.retryAfterMs })
  })
})

builder.objectType(errors.QualityThresholdError, {
  ...described("QualityThresholdError"),
  fields: (t) => ({
    metric: t.exposeString("metric", { description: "What was measured, with its unit." }),
    score: t.exposeFloat("score", { description: "What was found." }),
    threshold: t.exposeFloat("threshold", { description: "What was needed." })
  })
})

builder.objectType(errors.ResourceLimitError, {
  ...described("ResourceLimitError"),
  fields: (t) => ({
    resource: t.exposeString("resource", { description: "What there is not enough of, with its unit." }),
    limit: t.exposeFloat("limit", { description: "How much is allowed." })
  })
})

builder.objectType(errors.TimedOutError, {
  ...described("TimedOutError"),
  fields: (t) => ({
    stage: t.field({ type: StageNameEnum, nullable: true, description: "The stage that took too long.", resolve: (error) => error.stage }),
    timeoutMs: t.exposeInt("timeoutMs", { description: "How long it was allowed to take, in milliseconds." })
  })
})

builder.objectType(errors.AudioProcessingError, {
  ...described("AudioProcessingError"),
  fields: (t) => ({ stage: t.field({ type: StageNameEnum, nullable: true, description: "The stage that failed.", resolve: (error) => error.stage }) })
})

builder.objectType(errors.StorageError, { ...described("StorageError") })

builder.objectType(errors.NotConfiguredError, {
  ...described("NotConfiguredError"),
  fields: (t) => ({ settings: t.stringList({ description: "The environment variables to set.", resolve: (error) => [...error.settings] }) })
})

builder.objectType(errors.InternalError, {
  ...described("InternalError"),
  fields: (t) => ({ incidentId: t.exposeID("incidentId", { description: "Under which the operator finds it in the logs." }) })
})
