import { Effect, Random } from "effect"

const firstDelayMs = 5_000
const longestDelayMs = 6 * 3_600_000

/**
 * How long to wait after a message failed for the `tries`-th time, in milliseconds: 5 s, 20 s, 80 s … 6 h, each a tenth
 * more or less at random, so that receivers that come back are not met by everything at once. The window of 24 hours is
 * the caller's to keep.
 */
export const retryDelayMs = (tries: number): Effect.Effect<number> =>
  Effect.map(Random.next, (chance) => Math.round(Math.min(firstDelayMs * 4 ** (tries - 1), longestDelayMs) * (0.9 + chance * 0.2)))
