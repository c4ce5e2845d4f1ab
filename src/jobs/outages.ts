import { Cause, Effect } from "effect"
import { isConnectionLost } from "../persistence/Database.ts"

/**
 * Begins again after each loss of the database, which has been retried for seconds by then: who watches waits, and
 * misses nothing. What is no outage is a bug, and ends the watching.
 */
export const throughOutages = <A, R>(work: Effect.Effect<A, never, R>, onFailure: (cause: Cause.Cause<unknown>) => void): Effect.Effect<void, never, R> =>
  Effect.suspend(() => work).pipe(
    Effect.asVoid,
    Effect.catchCause((cause) => {
      if (Cause.hasInterrupts(cause)) return Effect.void
      if (!isConnectionLost(cause)) return Effect.sync(() => onFailure(cause))
      return Effect.andThen(Effect.sleep("250 millis"), throughOutages(work, onFailure))
    })
  )
