import { describe, expect, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { ProviderError, TimedOutError, UnsupportedMediaError } from "../../../src/domain/errors.ts"
import { retryDelayMs } from "../../../src/jobs/retryDelay.ts"

const slow = new TimedOutError({ message: "Too slow.", timeoutMs: 1 })
const busy = (retryAfterMs: number | null) => new ProviderError({ message: "Busy.", provider: "itunes", reason: "RATE_LIMITED", retryAfterMs })

describe("the pause before a stage is tried again", () => {
  it.effect("doubles from one second, less up to a half by chance, and ends after four tries", () =>
    Effect.gen(function* () {
      for (const [tries, longestMs] of [[1, 1000], [2, 2000], [3, 4000]] as const) {
        const delays = yield* Effect.forEach(Array.from({ length: 200 }), () => retryDelayMs(slow, tries)).pipe(Random.withSeed("pauses"))
        for (const delay of delays) {
          expect(delay).toBeGreaterThanOrEqual(longestMs / 2)
          expect(delay).toBeLessThanOrEqual(longestMs)
        }
        expect(new Set(delays).size).toBeGreaterThan(100)
      }
      expect(yield* retryDelayMs(slow, 4)).toBeUndefined()
    }))

  it.effect("is as long as it is asked for, and nobody waits for more than a quarter of an hour", () =>
    Effect.gen(function* () {
      expect(yield* retryDelayMs(busy(30_000), 1)).toBe(30_000)
      expect(yield* retryDelayMs(busy(900_000), 3)).toBe(900_000)
      expect(yield* retryDelayMs(busy(900_001), 1)).toBeUndefined()
      // What is asked for shortens nothing.
      expect(yield* retryDelayMs(busy(1), 3)).toBeGreaterThanOrEqual(2000)
    }))

  it.effect("is none where the same would only fail again", () =>
    Effect.gen(function* () {
      expect(yield* retryDelayMs(new UnsupportedMediaError({ message: "No audio.", detected: null, supported: [] }), 1)).toBeUndefined()
    }))
})
