import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NoiseMeter, profileBandsHz } from "../../../../src/audio/enhance/NoiseMeter.ts"

const random = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}
const noise = (length: number, rms: number, seed = 1): Float32Array => {
  const next = random(seed)
  return Float32Array.from({ length }, () => next() * rms * Math.sqrt(3))
}
const rms = (decibels: number) => 10 ** (decibels / 20)
const report = (samples: Float32Array, sampleRateHz = 44_100, channels = 1) => {
  const meter = new NoiseMeter(sampleRateHz, channels)
  meter.push(samples)
  return meter.finish()
}
/** A tone that is there in one second and away in the next. */
const intermittent = (seconds: number, level: number, sampleRateHz = 44_100): Float32Array =>
  Float32Array.from({ length: seconds * sampleRateHz }, (_, n) => Math.floor(n / sampleRateHz) % 2 === 0 ? rms(level) * Math.SQRT2 * Math.sin((2 * Math.PI * 700 * n) / sampleRateHz) : 0)

describe("the noise meter", () => {
  it.each([8_000, 44_100, 192_000])("finds the level of white noise in the pauses of a tone, at %i Hz", (sampleRateHz) => {
    const tone = intermittent(4, -20, sampleRateHz)
    const background = noise(tone.length, rms(-50))
    const found = report(tone.map((sample, index) => sample + background[index]!), sampleRateHz)
    expect(found.floorDbfs).toBeCloseTo(-50, 0)
    // Half of the time at −20 dB.
    expect(found.snrDb).toBeGreaterThan(25.5)
    expect(found.snrDb).toBeLessThan(28.5)
    expect(found.profileDbfs).toHaveLength(profileBandsHz.length)
    for (const level of found.profileDbfs.slice(3)) expect(Math.abs(level + 50)).toBeLessThan(2)
  })

  it("is not misled by the digital silence that an editor put around a recording", () => {
    const recording = noise(44_100 * 4, rms(-40))
    const padded = new Float32Array(recording.length * 2)
    padded.set(recording, 44_100)
    expect(Math.abs((report(padded).floorDbfs ?? 0) + 40)).toBeLessThan(1)
  })

  it("does not take an offset of the zero line for sound", () => {
    const recording = noise(44_100 * 2, rms(-40))
    expect(Math.abs((report(recording.map((sample) => sample + 0.3)).floorDbfs ?? 0) - (report(recording).floorDbfs ?? 0))).toBeLessThan(0.1)
  })

  it.each([["silence", new Float32Array(44_100 * 5)], ["half a second", noise(22_050, 0.1)], ["nothing", new Float32Array(0)]])("says nothing of %s", (_what, samples) => {
    expect(report(samples)).toMatchObject({ floorDbfs: null, snrDb: null, profileDbfs: [] })
  })

  it("compares two versions of a recording at the same moments, also where a pause became digital silence", () => {
    const tone = intermittent(6, -20)
    const background = noise(tone.length, rms(-50))
    const before = report(tone.map((sample, index) => sample + background[index]!))
    const gated = new NoiseMeter(44_100, 1)
    gated.push(tone)
    const after = gated.finish(before.moments)
    expect(after.floorDbfs).toBeLessThan(-100)
    expect((after.floorDbfs ?? 0) + (after.snrDb ?? 0)).toBeCloseTo((before.floorDbfs ?? 0) + (before.snrDb ?? 0), 1)
    expect(report(tone).floorDbfs).toBeGreaterThan(-30)
  })

  it("finds the same however the samples are cut, and in both channels of a stereo file", () => {
    const mono = noise(44_100 * 2, rms(-30))
    const stereo = Float32Array.from({ length: mono.length * 2 }, (_, index) => mono[index >> 1]!)
    const whole = report(stereo, 44_100, 2)
    expect(whole.floorDbfs).toBeCloseTo(report(mono).floorDbfs ?? 0, 5)
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 6 }), (cuts) => {
      const meter = new NoiseMeter(44_100, 2)
      let from = 0
      for (const cut of cuts) {
        meter.push(stereo.subarray(from, from + cut * 2))
        from += cut * 2
      }
      meter.push(stereo.subarray(from))
      expect(meter.finish()).toEqual(whole)
    }), { numRuns: 10 })
  })
})
