import { describe, expect, it } from "vitest"
import { isClear, isSpeech } from "../../../../src/audio/enhance/voice.ts"

const heard = (seconds: number, voicedShare: number, keptDb: number) => ({ seconds, voicedShare, keptDb })

describe("a recording", () => {
  it("is of somebody speaking when much of it is voice, and RNNoise leaves what the noise does not account for", () => {
    expect(isSpeech(heard(6, 0.7, -0.2), 30)).toBe(true)
    // At 5 dB, a quarter of the power is noise.
    expect(isSpeech(heard(6, 0.7, -1.4), 5)).toBe(true)
    expect(isSpeech(heard(6, 0.7, -3), 30)).toBe(false)
    expect(isSpeech(heard(6, 0.2, -0.2), 30)).toBe(false)
  })

  it("is heard no longer once there is a voice for certain", () => {
    expect(isClear(heard(6, 0.7, -0.2), 30)).toBe(true)
    expect(isClear(heard(6, 0.4, -0.2), 30)).toBe(false)
    expect(isClear(heard(6, 0.7, -1.2), 30)).toBe(false)
  })

  it("is heard longer before it is found to have none: somebody may have paused", () => {
    expect(isClear(heard(6, 0, -10), 30)).toBe(false)
    expect(isClear(heard(12, 0, -10), 30)).toBe(true)
    expect(isClear(heard(12, 0.5, -3), 30)).toBe(false)
  })

  it("is heard at all", () => {
    expect(isClear(heard(0, 0, 0), null)).toBe(false)
  })
})
