import { describe, expect, it } from "vitest"
import { LoudnessMeter } from "../../../../src/audio/analysis/LoudnessMeter.ts"

/** `seconds` of a sine on the given channels, interleaved; the others are silent. */
const sine = (options: { rate: number; hz: number; dbfs: number; seconds: number; channels: number; on: ReadonlyArray<number> }): Float32Array => {
  const amplitude = 10 ** (options.dbfs / 20)
  const samples = new Float32Array(Math.round(options.rate * options.seconds) * options.channels)
  for (let frame = 0; frame < samples.length / options.channels; frame++) {
    const value = amplitude * Math.sin((2 * Math.PI * options.hz * frame) / options.rate)
    for (const channel of options.on) samples[frame * options.channels + channel] = value
  }
  return samples
}

const measure = (rate: number, channels: number, ...pieces: ReadonlyArray<Float32Array>) => {
  const meter = new LoudnessMeter(rate, channels)
  for (const piece of pieces) meter.push(piece)
  return meter.finish()
}

const stereo = (dbfs: number, seconds: number, rate = 48_000) => sine({ rate, hz: 1000, dbfs, seconds, channels: 2, on: [0, 1] })

describe("integrated loudness, by the test signals of EBU Tech 3341", () => {
  it("is −23 LUFS for a stereo 1 kHz tone of −23 dBFS", () => {
    expect(measure(48_000, 2, stereo(-23, 20)).integratedLufs).toBeCloseTo(-23, 1)
  })
  it("is −33 LUFS for one of −33 dBFS", () => {
    expect(measure(48_000, 2, stereo(-33, 20)).integratedLufs).toBeCloseTo(-33, 1)
  })
  it("leaves out what is 10 LU below the rest (case 3)", () => {
    expect(measure(48_000, 2, stereo(-36, 10), stereo(-23, 60), stereo(-36, 10)).integratedLufs).toBeCloseTo(-23, 1)
  })
  it("leaves out what is below −70 LUFS too (case 4)", () => {
    const pieces = [stereo(-72, 10), stereo(-36, 10), stereo(-23, 60), stereo(-36, 10), stereo(-72, 10)]
    expect(measure(48_000, 2, ...pieces).integratedLufs).toBeCloseTo(-23, 1)
  })
  it("averages power and not decibels (case 5)", () => {
    expect(measure(48_000, 2, stereo(-26, 20), stereo(-20, 20.1), stereo(-26, 20)).integratedLufs).toBeCloseTo(-23, 1)
  })
  it("counts the surround channels more and the low-frequency one not at all (case 6)", () => {
    const rate = 48_000
    const front = sine({ rate, hz: 1000, dbfs: -28, seconds: 20, channels: 6, on: [0, 1] })
    const centre = sine({ rate, hz: 1000, dbfs: -24, seconds: 20, channels: 6, on: [2] })
    const surround = sine({ rate, hz: 1000, dbfs: -30, seconds: 20, channels: 6, on: [4, 5] })
    const lowFrequency = sine({ rate, hz: 60, dbfs: -6, seconds: 20, channels: 6, on: [3] })
    const mixed = front.map((value, at) => value + centre[at]! + surround[at]! + lowFrequency[at]!)
    expect(measure(rate, 6, mixed).integratedLufs).toBeCloseTo(-23, 1)
  })
  it.each([8000, 11_025, 22_050, 44_100, 96_000, 192_000])("is the same at %i Hz", (rate) => {
    expect(Math.abs(measure(rate, 2, stereo(-23, 10, rate)).integratedLufs + 23)).toBeLessThan(rate < 16_000 ? 0.2 : 0.1)
  })
  it("does not depend on how the samples are cut into pieces", () => {
    const samples = stereo(-20, 5).map((value, at) => value * Math.sin(at / 30_000))
    const whole = measure(48_000, 2, samples)
    const pieces: Array<Float32Array> = []
    for (let at = 0, size = 2; at < samples.length; at += size, size = (size * 7 + 2) % 9002) pieces.push(samples.subarray(at, at + size))
    const cut = measure(48_000, 2, ...pieces)
    expect(cut.integratedLufs).toBeCloseTo(whole.integratedLufs, 9)
    expect(cut.rangeLu).toBeCloseTo(whole.rangeLu, 9)
  })
  it("is −70 LUFS, the gate's floor, for silence and for nothing", () => {
    expect(measure(48_000, 2, new Float32Array(96_000)).integratedLufs).toBe(-70)
    expect(measure(48_000, 2)).toEqual({ integratedLufs: -70, rangeLu: 0 })
  })
  it("takes a clip shorter than a gating block as one block", () => {
    expect(measure(48_000, 2, stereo(-23, 0.2)).integratedLufs).toBeCloseTo(-23, 0)
  })
})

describe("loudness range, by the test signals of EBU Tech 3342", () => {
  it.each([
    { name: "10 LU for two levels 10 dB apart (case 1)", levels: [-20, -30], expected: 10 },
    { name: "5 LU for two levels 5 dB apart (case 2)", levels: [-20, -15], expected: 5 },
    { name: "20 LU for two levels 20 dB apart (case 3)", levels: [-40, -20], expected: 20 },
    { name: "15 LU for a staircase (case 4)", levels: [-50, -35, -20, -35, -50], expected: 15 }
  ])("is $name", ({ levels, expected }) => {
    const { rangeLu } = measure(48_000, 2, ...levels.map((level) => stereo(level, 20)))
    expect(Math.abs(rangeLu - expected)).toBeLessThanOrEqual(1)
  })
})

describe("samples that are not numbers", () => {
  it.each([Number.NaN, Infinity, -Infinity])("are noticed at once and for good (%d)", (value) => {
    const meter = new LoudnessMeter(48_000, 1)
    meter.push(new Float32Array([0.1, value, 0.1]))
    expect(meter.isFinite).toBe(false)
    meter.push(new Float32Array(48_000))
    expect(meter.isFinite).toBe(false)
  })
  it("are not what loud ones are", () => {
    const meter = new LoudnessMeter(48_000, 1)
    meter.push(new Float32Array(48_000).map((_, at) => 1e6 * Math.sin(at)))
    expect(meter.isFinite).toBe(true)
    expect(meter.finish().integratedLufs).toBeGreaterThan(100)
  })
})
