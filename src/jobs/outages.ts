import { Cause, Effect } from "effect"
import { isConnectionLost } from "../persistence/Database.ts"

/**
 * Begins again after each loss of the database, which has been retried for seconds by then: who watches waits, and
 * misses nothing. What is no outage is a bug, and stays a defect.
 */
export const throughOutages = <A, R>(work: Effect.Effect<A, never, R>): Effect.Effect<A, never, R> =>
  Effect.catchCause(work, (cause) =>
    isConnectionLost(cause) && !Cause.hasInterrupts(cause)
      ? Effect.andThen(Effect.sleep("250 millis"), throughOutages(work))
      : Effect.failCause(cause))
