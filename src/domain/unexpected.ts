import { type Cause, Effect, ErrorReporter } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { FailureObserver } from "./failureObserver.ts"

/**
 * Tells of what nobody expected, where a request ends because of it: to the statistics, the log and the error tracker,
 * once. Returns the id under which the log has it, which is all that whoever asked may know of it.
 */
export const tellUnexpected = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const incidentId = uuidV7Unsafe()
  const observer = yield* FailureObserver
  observer.failed({ code: "INTERNAL", stage: null, provider: null, jobId: null, handled: false })
  yield* Effect.logError("A request failed for a reason that nobody expected", cause).pipe(
    Effect.andThen(ErrorReporter.report(cause)),
    Effect.annotateLogs({ incidentId })
  )
  return incidentId
})

/** What is told to whoever asked. */
export const unexpectedMessage = (incidentId: string): string => `Something went wrong on our side. The log has it under ${incidentId}.`
