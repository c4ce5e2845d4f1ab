import { describe, expect, it } from "vitest"
import { findHum } from "../../../../src/audio/enhance/hum.ts"

const sampleRateHz = 8_000
const seconds = 8
type Wave = (t: number) => number
const sampled = (...waves: ReadonlyArray<Wave>): ReadonlyArray<Float32Array> => [
  Float32Array.from({ length: seconds * sampleRateHz }, (_, n) => waves.reduce((sum, wave) => sum + wave(n / sampleRateHz), 0))
]
const line = (frequencyHz: number, amplitude: number): Wave => (t) => amplitude * Math.sin(2 * Math.PI * frequencyHz * t)
/** Repeats, but is the same every time. */
const hiss: Wave = (t) => {
  const x = Math.sin(t * 12_989.8) * 43_758.5453
  return 0.002 * (x - Math.floor(x) - 0.5)
}

describe("mains hum", () => {
  it.each([[50, 49.98], [60, 60.03]])("is found at %i Hz, with how far the mains are off", (_mains, fundamentalHz) => {
    const hum = findHum(sampled(hiss, line(fundamentalHz, 0.02), line(2 * fundamentalHz, 0.01), line(3 * fundamentalHz, 0.008)), sampleRateHz)
    expect(hum?.fundamentalHz).toBeCloseTo(fundamentalHz, 1)
    expect(hum?.harmonics.slice(0, 3)).toEqual([1, 2, 3])
  })

  it("is not a bass line: a tone that is there half of the time, however loud", () => {
    const note: Wave = (t) => (Math.floor(t) % 2 === 0 ? 0.5 * (Math.sin(2 * Math.PI * 50 * t) + Math.sin(2 * Math.PI * 100 * t)) : 0)
    expect(findHum(sampled(hiss, note), sampleRateHz)).toBeUndefined()
  })

  it("is not a drone between the frequencies of the mains", () => {
    expect(findHum(sampled(hiss, line(55, 0.1), line(110, 0.1), line(165, 0.1)), sampleRateHz)).toBeUndefined()
  })

  it("is not a beat, whose lines stand everywhere", () => {
    const clicks = Float32Array.from({ length: seconds * sampleRateHz }, (_, n) => (n % (sampleRateHz / 4) === 0 ? 0.9 : 0))
    expect(findHum([clicks], sampleRateHz)).toBeUndefined()
  })

  it("is not looked for in less than a second", () => {
    expect(findHum([new Float32Array(4_000).fill(0.1)], sampleRateHz)).toBeUndefined()
    expect(findHum([], sampleRateHz)).toBeUndefined()
  })
})
