import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { retryDelayMs } from "../../../../src/operations/webhooks/retryDelay.ts"

const within = (delay: number, seconds: number) => {
  expect(delay).toBeGreaterThanOrEqual(seconds * 900)
  expect(delay).toBeLessThanOrEqual(seconds * 1100)
}

describe("the pause before a message is sent again", () => {
  it.effect("4.3 is 5 s at first, four times as long each time, and never much over 6 hours", () =>
    Effect.gen(function* () {
      for (const [index, seconds] of [5, 20, 80, 320, 1_280, 5_120, 20_480, 21_600, 21_600].entries()) {
        within(yield* retryDelayMs(index + 1), seconds)
      }
      within(yield* retryDelayMs(1_000), 21_600)
    }))

  it.effect("4.3 differs from one message to the next", () =>
    Effect.gen(function* () {
      const delays = yield* Effect.all(Array.from({ length: 20 }, () => retryDelayMs(7)))
      expect(new Set(delays).size).toBeGreaterThan(15)
    }))
})
