import fc from "fast-check"
import { describe, expect, it } from "vitest"
import WaveformData from "waveform-data"
import { coarsen, decodeDat, encodeDat, encodeJson, type Waveform } from "../../../../src/audio/waveform/Waveform.ts"

const waveforms: fc.Arbitrary<Waveform> = fc
  .tuple(
    fc.constantFrom(8000, 44_100, 48_000, 192_000),
    fc.integer({ min: 1, max: 4096 }),
    fc.array(fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 })), { maxLength: 300 })
  )
  .map(([sampleRateHz, samplesPerPixel, pairs]) => ({
    sampleRateHz,
    samplesPerPixel,
    peaks: Int8Array.from(pairs.flatMap(([a, b]) => [Math.min(a, b), Math.max(a, b)]))
  }))

const jsonOf = (waveform: Waveform): unknown => JSON.parse([...encodeJson(waveform)].join(""))

const pairsOf = (parsed: WaveformData): Array<number> => {
  const channel = parsed.channel(0)
  return Array.from({ length: parsed.length }, (_, at) => [channel.min_sample(at), channel.max_sample(at)]).flat()
}

describe("a waveform file", () => {
  it("is read by waveform-data as what it is, in binary and as JSON", () => {
    fc.assert(fc.property(waveforms.filter(({ peaks }) => peaks.length > 0), (waveform) => {
      for (const parsed of [
        WaveformData.create(encodeDat(waveform).slice().buffer),
        WaveformData.create(jsonOf(waveform) as Parameters<typeof WaveformData.create>[0])
      ]) {
        expect({ rate: parsed.sample_rate, scale: parsed.scale, channels: parsed.channels, bits: parsed.bits, length: parsed.length })
          .toEqual({ rate: waveform.sampleRateHz, scale: waveform.samplesPerPixel, channels: 1, bits: 8, length: waveform.peaks.length / 2 })
        expect(pairsOf(parsed)).toEqual([...waveform.peaks])
      }
    }))
  })
  it("has the header that audiowaveform documents", () => {
    const bytes = Buffer.from(encodeDat({ sampleRateHz: 44_100, samplesPerPixel: 256, peaks: new Int8Array([-3, 5, -128, 127]) }))
    expect(bytes.toString("hex")).toBe("020000000100000044ac0000000100000200000001000000fd05807f")
  })
  it("has the fields that audiowaveform documents", () => {
    expect(jsonOf({ sampleRateHz: 44_100, samplesPerPixel: 256, peaks: new Int8Array([-3, 5]) }))
      .toEqual({ version: 2, channels: 1, sample_rate: 44_100, samples_per_pixel: 256, bits: 8, length: 1, data: [-3, 5] })
  })
  it("survives being written and read, wherever in a buffer it lies", () => {
    fc.assert(fc.property(waveforms, fc.integer({ min: 0, max: 9 }), (waveform, offset) => {
      const bytes = encodeDat(waveform)
      const buffer = new Uint8Array(bytes.length + offset)
      buffer.set(bytes, offset)
      expect(decodeDat(buffer.subarray(offset))).toEqual(waveform)
    }))
  })
  it("comes as JSON in pieces, none of them large", () => {
    const pieces = [...encodeJson({ sampleRateHz: 48_000, samplesPerPixel: 256, peaks: new Int8Array(2_000_000).fill(-100) })]
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(200_000)
    expect((JSON.parse(pieces.join("")) as { data: ReadonlyArray<number> }).data).toHaveLength(2_000_000)
  })
  it("of nothing is valid too", () => {
    expect(jsonOf({ sampleRateHz: 48_000, samplesPerPixel: 256, peaks: new Int8Array(0) })).toMatchObject({ length: 0, data: [] })
  })
})

describe("a coarser waveform", () => {
  const factors = fc.integer({ min: 1, max: 20 })
  it("is what waveform-data makes of the finer one", () => {
    fc.assert(fc.property(waveforms.filter(({ peaks }) => peaks.length > 0), fc.integer({ min: 2, max: 8 }), (waveform, factor) => {
      const theirs = WaveformData.create(encodeDat(waveform).slice().buffer).resample({ scale: waveform.samplesPerPixel * factor })
      expect([...coarsen(waveform, factor).peaks]).toEqual(pairsOf(theirs))
    }))
  })
  it("made in two steps is the one made in one", () => {
    fc.assert(fc.property(waveforms, factors, factors, (waveform, first, second) => {
      expect(coarsen(coarsen(waveform, first), second)).toEqual(coarsen(waveform, first * second))
    }))
  })
  it("covers the same time, and nowhere shows less than the finer one", () => {
    fc.assert(fc.property(waveforms, factors, (waveform, factor) => {
      const coarse = coarsen(waveform, factor)
      expect(coarse.peaks.length / 2).toBe(Math.ceil(waveform.peaks.length / 2 / factor))
      for (let at = 0; at < waveform.peaks.length; at += 2) {
        const pixel = Math.floor(at / 2 / factor) * 2
        expect(coarse.peaks[pixel]).toBeLessThanOrEqual(waveform.peaks[at]!)
        expect(coarse.peaks[pixel + 1]).toBeGreaterThanOrEqual(waveform.peaks[at + 1]!)
      }
    }))
  })
})
