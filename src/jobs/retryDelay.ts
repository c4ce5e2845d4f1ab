import { Effect, Random } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"

/** How often a stage is tried in all before its job fails. */
const maxTries = 4
const baseDelayMs = 1000
const maxDelayMs = 60_000
/** Whoever asks for a longer pause than this is not worth waiting for. */
const maxRetryAfterMs = 15 * 60_000

/**
 * How long to wait before a stage that failed `tries` times is tried again, in milliseconds; undefined when it is not.
 * Exponential from one second, with up to half of it taken off at random so that jobs which failed together do not
 * return together; where the failure says how long to wait, that is obeyed.
 */
export const retryDelayMs = Effect.fnUntraced(function*(failure: Failure, tries: number) {
  if (!failure.retryable || tries >= maxTries) return undefined
  const asked = "retryAfterMs" in failure ? failure.retryAfterMs ?? 0 : 0
  if (asked > maxRetryAfterMs) return undefined
  const backOff = Math.min(maxDelayMs, baseDelayMs * 2 ** (tries - 1))
  const jitter = yield* Random.next
  return Math.round(Math.max(asked, backOff * (1 - jitter / 2)))
})
