import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { chooseEncoding, isChosen } from "../../../../src/audio/encoding/chooseEncoding.ts"
import { encodings } from "../../../../src/audio/encoding/encodings.ts"
import { AudioFormat } from "../../../../src/domain/Track.ts"

const stereo = { sampleRateHz: 44_100, channels: 2 }
const wish = (format: AudioFormat, bitrateKbps: number | null = null, sampleRateHz: number | null = null) => ({ format, bitrateKbps, sampleRateHz })

describe("an encoding", () => {
  it.each([
    ["MP3", stereo, 192, 44_100],
    ["MP3", { sampleRateHz: 96_000, channels: 1 }, 96, 48_000],
    ["AAC", stereo, 192, 44_100],
    ["OPUS", stereo, 128, 48_000],
    ["OPUS", { sampleRateHz: 8_000, channels: 1 }, 64, 8_000],
    ["OGG", { sampleRateHz: 8_000, channels: 1 }, 40, 8_000],
    ["FLAC", { sampleRateHz: 192_000, channels: 6 }, null, 192_000],
    ["WAV", { sampleRateHz: 400_000, channels: 2 }, null, 192_000]
  ] as const)("of %s from %j is what is usual", (format, source, bitrateKbps, sampleRateHz) => {
    expect(chooseEncoding(wish(format), source)).toMatchObject({ bitrateKbps, sampleRateHz, channels: Math.min(source.channels, encodings[format].maxChannels) })
  })

  it.each([
    [wish("MP3", 100), ["bitrateKbps"], "one of 32, 40"],
    [wish("MP3", 320, 22_050), ["bitrateKbps"], "one of 8, 16"],
    [wish("AAC", 513), ["bitrateKbps"], "from 16 to 512"],
    [wish("OPUS", 5), ["bitrateKbps"], "from 6 to 510"],
    [wish("OPUS", null, 44_100), ["sampleRateHz"], "8000, 12000, 16000, 24000, 48000"],
    [wish("OGG", 501), ["bitrateKbps"], "from 48 to 500"],
    [wish("FLAC", 700), ["bitrateKbps"], "lossless"],
    [wish("WAV", null, 1), ["sampleRateHz"], "8000"],
    [wish("MP3", -1), ["bitrateKbps"], "one of"],
    [wish("MP3", null, 2 ** 31 - 1), ["sampleRateHz"], "48000"]
  ])("is refused as %j, with the place and what is allowed", (asked, path, words) => {
    expect(chooseEncoding(asked, stereo)).toEqual([{ path, message: expect.stringContaining(words) }])
  })

  it("is found for every source, whatever the format, when nothing else is wished", () => {
    fc.assert(
      fc.property(fc.constantFrom(...AudioFormat.literals), fc.integer({ min: 1, max: 768_000 }), fc.integer({ min: 1, max: 16 }), (format, sampleRateHz, channels) => {
        const choice = chooseEncoding(wish(format), { sampleRateHz, channels })
        expect(isChosen(choice)).toBe(true)
        // And asking for exactly that is allowed.
        if (isChosen(choice)) expect(isChosen(chooseEncoding(wish(format, choice.bitrateKbps, choice.sampleRateHz), { sampleRateHz, channels }))).toBe(true)
      })
    )
  })
})
