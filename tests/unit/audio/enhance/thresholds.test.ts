import { describe, expect, it } from "vitest"
import type { Inspection } from "../../../../src/audio/enhance/inspect.ts"
import { judgeDenoising, judgeLoudness, unsuitableForRnnoise } from "../../../../src/audio/enhance/thresholds.ts"

const moments = { audible: [], quiet: [] }
const noisySpeech: Inspection = { durationMs: 10_000, frames: 441_000, peakDbfs: -3, isSpeech: true, hum: undefined, floorDbfs: -30, snrDb: 8, profileDbfs: [], moments }
const after = (floorDbfs: number | null, snrDb: number | null, more: { readonly durationMs?: number; readonly gainDb?: number } = {}) => ({
  durationMs: 10_000, gainDb: 0, ...more, noise: { floorDbfs, snrDb, profileDbfs: [], moments }
})

describe("the judgement of a denoised recording", () => {
  it("accepts a background that is lower while the voice is as it was", () => {
    expect(judgeDenoising("MEDIUM", noisySpeech, after(-50, 28))).toBeUndefined()
  })
  it("reckons with the gain that the whole was given", () => {
    expect(judgeDenoising("MEDIUM", noisySpeech, after(-56, 28, { gainDb: -6 }))).toBeUndefined()
  })
  it("names what falls short, how far it came and what was needed", () => {
    expect(judgeDenoising("HIGH", noisySpeech, after(-31, 9))).toMatchObject({ metric: "floorReductionDb", score: 1, threshold: 3 })
    expect(judgeDenoising("BASIC", noisySpeech, after(-28, 6))).toMatchObject({ metric: "floorReductionDb", score: -2, threshold: -1 })
    expect(judgeDenoising("MEDIUM", noisySpeech, after(-60, 30))).toMatchObject({ metric: "programmeLossDb", score: 8, threshold: 3 })
    expect(judgeDenoising("MEDIUM", noisySpeech, after(-50, 28, { durationMs: 9_970 }))).toMatchObject({ metric: "durationDifferenceMs", score: 30, threshold: 20 })
  })
  it("asks nothing of the background where there was none to lower", () => {
    expect(judgeDenoising("HIGH", { ...noisySpeech, floorDbfs: -70, snrDb: 45 }, after(-70, 45))).toBeUndefined()
    expect(judgeDenoising("HIGH", { ...noisySpeech, floorDbfs: null, snrDb: null }, after(null, null))).toBeUndefined()
  })
  it("asks nothing of the background of what is not speech", () => {
    expect(judgeDenoising("BASIC", { ...noisySpeech, isSpeech: false }, after(-27, 4.5))).toBeUndefined()
  })
  it("keeps RNNoise away from what it would harm: clean voices and everything else", () => {
    expect(unsuitableForRnnoise(noisySpeech)).toBeUndefined()
    expect(unsuitableForRnnoise({ ...noisySpeech, snrDb: 20 })).toMatchObject({ metric: "signalToNoiseDb", score: 20, threshold: 12 })
    expect(unsuitableForRnnoise({ ...noisySpeech, isSpeech: false })?.message).toContain("not of somebody speaking")
  })
})

describe("the judgement of loudness", () => {
  const target = { targetLufs: -16, truePeakDbtp: -1.5 }
  it("allows 0.3 loudness units and no peak over the ceiling", () => {
    expect(judgeLoudness(target, { integratedLufs: -16.25, truePeakDbtp: -1.5, isSilent: false })).toBeUndefined()
    expect(judgeLoudness(target, { integratedLufs: -17, truePeakDbtp: -1.6, isSilent: false })).toMatchObject({ metric: "loudnessErrorLu", score: 1, threshold: 0.3 })
    expect(judgeLoudness(target, { integratedLufs: -16, truePeakDbtp: -1.4, isSilent: false })).toMatchObject({ metric: "truePeakDbtp", score: -1.4, threshold: -1.5 })
  })
  it("asks no loudness of silence, but the ceiling", () => {
    expect(judgeLoudness(target, { integratedLufs: -70, truePeakDbtp: -120, isSilent: true })).toBeUndefined()
    expect(judgeLoudness(target, { integratedLufs: -61, truePeakDbtp: 0, isSilent: true })).toMatchObject({ metric: "truePeakDbtp" })
  })
})
