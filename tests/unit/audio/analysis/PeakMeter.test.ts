import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { PeakMeter } from "../../../../src/audio/analysis/PeakMeter.ts"

/** What audiowaveform does, word for word: 16-bit samples, mean of the channels towards zero, a 256th towards zero. */
const audiowaveform = (samples: ReadonlyArray<number>, channels: number, framesPerPixel: number): Array<number> => {
  const peaks: Array<number> = []
  for (let from = 0; from < samples.length; from += framesPerPixel * channels) {
    let min = 32_767
    let max = -32_768
    for (let at = from; at < Math.min(samples.length, from + framesPerPixel * channels); at += channels) {
      let sum = 0
      for (let channel = 0; channel < channels; channel++) sum += samples[at + channel]!
      min = Math.min(min, Math.trunc(sum / channels))
      max = Math.max(max, Math.trunc(sum / channels))
    }
    peaks.push(Math.trunc(min / 256) + 0, Math.trunc(max / 256) + 0)
  }
  return peaks
}

const peaksOf = (channels: number, framesPerPixel: number, ...pieces: ReadonlyArray<Float32Array>) => {
  const meter = new PeakMeter(channels, framesPerPixel)
  for (const piece of pieces) meter.push(piece)
  return [...meter.finish()]
}

describe("waveform peaks", () => {
  it("are those of audiowaveform, however the samples are cut into pieces", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 300 }),
      fc.nat(),
      (channels, framesPerPixel, values, at) => {
        const sixteenBit = values.slice(0, values.length - (values.length % channels))
        const samples = Float32Array.from(sixteenBit, (value) => value / 32_768)
        const cut = channels * (at % (samples.length / channels + 1))
        expect(peaksOf(channels, framesPerPixel, samples.subarray(0, cut), samples.subarray(cut))).toEqual(audiowaveform(sixteenBit, channels, framesPerPixel))
      }
    ))
  })
  it("stop at full scale for samples beyond it", () => {
    expect(peaksOf(1, 2, new Float32Array([-3, 3]))).toEqual([-128, 127])
  })
  it("of nothing are none", () => {
    expect(peaksOf(2, 256)).toEqual([])
  })
  it("keep count beyond the first allocation", () => {
    const peaks = peaksOf(1, 1, new Float32Array(100_000).fill(0.5))
    expect(peaks).toHaveLength(200_000)
    expect(new Set(peaks)).toEqual(new Set([64]))
  })
})
