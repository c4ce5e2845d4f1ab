import { Cause, Effect } from "effect"
import { isOutage } from "../persistence/Database.ts"

/**
 * Begins again after each outage of the database (a loss has been retried for seconds by then): who watches waits, and
 * misses nothing. What is no outage is a bug, and stays a defect.
 */
export const throughOutages = <A, R>(work: Effect.Effect<A, never, R>): Effect.Effect<A, never, R> =>
  Effect.catchCause(work, (cause) =>
    isOutage(cause) && !Cause.hasInterrupts(cause)
      ? Effect.andThen(Effect.sleep("250 millis"), throughOutages(work))
      : Effect.failCause(cause))
