import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { TruePeakMeter } from "../../../../src/audio/analysis/TruePeakMeter.ts"

const peakOf = (rate: number, channels: number, ...pieces: ReadonlyArray<Float32Array>): number => {
  const meter = new TruePeakMeter(rate, channels)
  for (const piece of pieces) meter.push(piece)
  return meter.finish()
}

const decibels = (magnitude: number) => 20 * Math.log10(magnitude)
const tone = (cyclesPerSample: number, phase: number, frames = 4800) =>
  Float32Array.from({ length: frames }, (_, frame) => 0.5 * Math.sin(2 * Math.PI * (cyclesPerSample * frame + phase)) * Math.min(1, frame / 500, (frames - frame) / 500))

describe("true peak", () => {
  it.each([8000, 44_100, 48_000, 96_000])("of a quarter-rate tone at 45° is 3 dB over its samples at %i Hz", (rate) => {
    const samples = tone(0.25, 0.125)
    expect(decibels(samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0))).toBeCloseTo(-9.03, 1)
    expect(Math.abs(peakOf(rate, 1, samples) + 6.02)).toBeLessThan(0.05)
  })
  it("of any tone below a fifth of the rate is its amplitude, within 0.2 dB", () => {
    fc.assert(fc.property(fc.double({ min: 0.01, max: 0.2, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (frequency, phase) => {
      expect(Math.abs(peakOf(48_000, 1, tone(frequency, phase)) + 6.02)).toBeLessThan(0.2)
    }), { numRuns: 50 })
  })
  it("is never below the greatest sample", () => {
    fc.assert(fc.property(fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 400 }), (values) => {
      const samples = Float32Array.from(values)
      const greatest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(peakOf(44_100, 1, samples)).toBeGreaterThanOrEqual(Math.max(-144, decibels(greatest)) - 1e-9)
    }))
  })
  it("does not depend on how the samples are cut into pieces", () => {
    fc.assert(fc.property(fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 300 }), fc.nat(), (values, at) => {
      const samples = Float32Array.from(values.length % 2 === 0 ? values : values.slice(1))
      const cut = 2 * (at % (samples.length / 2 + 1))
      // The search is bounded by the peak found so far, so the order of pieces may leave out what hardly matters.
      expect(peakOf(44_100, 2, samples.subarray(0, cut), samples.subarray(cut))).toBeCloseTo(peakOf(44_100, 2, samples), 2)
    }))
  })
  it("is found in either channel, and not between the samples of two", () => {
    const left = tone(0.25, 0.125)
    const interleaved = new Float32Array(left.length * 2)
    left.forEach((value, frame) => { interleaved[frame * 2 + 1] = value })
    expect(peakOf(48_000, 2, interleaved)).toBeCloseTo(peakOf(48_000, 1, left), 6)
  })
  it("is found across the border of two pieces", () => {
    const pulse = new Float32Array(20_000)
    for (const at of [8191, 8192]) pulse[at] = 0.7
    expect(peakOf(48_000, 1, pulse)).toBeGreaterThan(decibels(0.7) + 1)
    expect(peakOf(48_000, 1, pulse.subarray(0, 8192), pulse.subarray(8192))).toBeCloseTo(peakOf(48_000, 1, pulse), 6)
  })
  it("of a tone that starts and ends abruptly is the tone's, not that of the clicks", () => {
    const abrupt = Float32Array.from({ length: 4801 }, (_, frame) => 0.5 * Math.sin((Math.PI / 2) * frame + Math.PI / 4))
    expect(peakOf(48_000, 1, abrupt)).toBeCloseTo(-6.02, 1)
  })
  it.each([0, 1, 3999])("sees a single loud sample at the edge (%i)", (at) => {
    const samples = new Float32Array(4000)
    samples[at] = -0.9
    expect(peakOf(48_000, 1, samples)).toBeCloseTo(decibels(0.9), 2)
  })
  it("of decoded samples over full scale is over 0 dBTP", () => {
    expect(peakOf(192_000, 1, new Float32Array([0, 1.5, 0]))).toBeCloseTo(3.52, 2)
  })
  it("of silence is −144 dBTP, which JSON can hold", () => {
    expect(peakOf(48_000, 2, new Float32Array(9600))).toBe(-144)
  })
})
