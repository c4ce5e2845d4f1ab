import { type Cause, Effect, ErrorReporter } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { FailureObserver } from "./failureObserver.ts"

/**
 * Tells the log and the error tracker of what is none of a client's business. Returns the id under which the log has it,
 * which is all that whoever asked may know of it.
 */
export const reportIncident = Effect.fnUntraced(function* (what: string, cause: Cause.Cause<unknown>) {
  const incidentId = uuidV7Unsafe()
  yield* Effect.logError(what, cause).pipe(
    Effect.andThen(ErrorReporter.report(cause)),
    Effect.annotateLogs({ incidentId })
  )
  return incidentId
})

/**
 * Where a request ends because of a bug or an outage: tells the statistics of it, too. `handled` is what was thought of,
 * a database that is out of reach or overloaded.
 */
export const tellUnexpected = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>, { handled }: { readonly handled: boolean }) {
  const observer = yield* FailureObserver
  observer.failed({ code: "INTERNAL", stage: null, provider: null, jobId: null, handled })
  return yield* reportIncident(handled ? "A request failed because the database is out of reach or overloaded" : "A request failed for a reason that nobody expected", cause)
})

/** What is told to whoever asked. */
export const unexpectedMessage = (incidentId: string): string => `Something went wrong on our side. The log has it under ${incidentId}.`
