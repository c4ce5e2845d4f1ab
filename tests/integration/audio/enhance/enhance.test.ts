import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { applyRnnoise } from "../../../../src/audio/enhance/applyRnnoise.ts"
import type { AudioFile } from "../../../../src/audio/enhance/AudioFile.ts"
import { denoiseBasic, denoiseHigh, denoiseMedium, type DenoiseRequest, leaveNoise } from "../../../../src/audio/enhance/denoise.ts"
import { inspect } from "../../../../src/audio/enhance/inspect.ts"
import { measure } from "../../../../src/audio/enhance/measure.ts"
import { normalize } from "../../../../src/audio/enhance/normalize.ts"
import { judgeLoudness } from "../../../../src/audio/enhance/thresholds.ts"
import type { FFmpeg } from "../../../../src/audio/FFmpeg.ts"
import { encoded, ffmpegLayer, ffmpegPrograms, generatedAudio, songA, songB, speech } from "../../../support/audio.ts"
import { noiseRateHz, noises } from "../../../support/noises.ts"
import { decoded, mixed, siSdrDb, writtenWav } from "../../../support/signals.ts"
import { gainModel, wienerModel } from "../../../support/speechModels.ts"

const seconds = 8
const wav = (path: string, sampleRateHz = noiseRateHz, channels = 1): AudioFile => ({ path, demuxer: "wav", sampleRateHz, channels })

let directory: string
let voice: Float32Array
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "playhead-enhance-"))
  voice = await decoded(speech, noiseRateHz)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const fresh = () => mkdtemp(join(directory, "work-"))
const noisySpeech = async (noise: keyof typeof noises, snrDb: number) => {
  const { clean, noisy } = mixed(voice.subarray(0, seconds * noiseRateHz), await noises[noise](seconds), snrDb)
  return { clean, file: wav(await writtenWav(`speech ${noise} ${snrDb}.wav`, noisy, noiseRateHz)) }
}

describe.each(ffmpegPrograms)("enhancement with $name", ({ path: program }) => {
  const run = <A, E>(effect: Effect.Effect<A, E, FFmpeg>) => Effect.runPromise(Effect.provide(effect, ffmpegLayer(program)))
  const look = (file: AudioFile) => run(inspect({ ...file, durationMs: seconds * 1000 }))
  const request = async (file: AudioFile): Promise<DenoiseRequest> => ({ file, inspection: await look(file), directory: await fresh(), onProgress: () => {} })
  const gainOf = async (clean: Float32Array, path: string, before: number) => siSdrDb(clean, await decoded(path, noiseRateHz)) - before
  const toTarget = async (file: AudioFile, target = { targetLufs: -16, truePeakDbtp: -1.5 }) => {
    const asked = await request(file)
    const cleaned = await run(leaveNoise(asked))
    const normalized = await run(normalize({ ...file, ...cleaned, target, directory: asked.directory, onProgress: () => {} }))
    return { normalized, measured: await run(measure({ ...file, path: normalized.path, demuxer: "flac" }, () => {})), inspection: asked.inspection }
  }

  it("tells speech from music, and how noisy it is", async () => {
    for (const snrDb of [5, 15]) {
      const found = await look((await noisySpeech("white hiss", snrDb)).file)
      expect(found.isSpeech).toBe(true)
      expect(found.hum).toBeUndefined()
      expect(Math.abs((found.snrDb ?? 0) - snrDb)).toBeLessThan(2.5)
    }
    for (const song of [songA, songB]) expect(await look({ path: song, demuxer: "ogg", sampleRateHz: 44_100, channels: 2 })).toMatchObject({ isSpeech: false, hum: undefined })
  }, 60_000)

  it.each(["white hiss", "pink hiss", "hum"] as const)("takes %s from speech: at least 6 dB of it at 5 dB, on the tier that suits", async (noise) => {
    const { clean, file } = await noisySpeech(noise, 5)
    const asked = await request(file)
    expect(asked.inspection.isSpeech).toBe(true)
    const basic = await run(denoiseBasic(asked))
    expect(await gainOf(clean, basic.path, 5)).toBeGreaterThan(6)
    // Once the hum is notched out, nothing is left that RNNoise would be needed for.
    const medium = await run(Effect.result(denoiseMedium(asked)))
    if (noise === "hum") expect(medium).toMatchObject({ failure: { _tag: "QualityThresholdError", metric: "signalToNoiseDb" } })
    else expect(medium._tag === "Success" ? await gainOf(clean, medium.success.path, 5) : medium.failure.message).toBeGreaterThan(6)
  }, 60_000)

  it("loses nothing of clean speech and of music, and no sample of their length", async () => {
    for (const [file, samples] of [
      [wav(await writtenWav("clean speech.wav", voice.slice(0, seconds * noiseRateHz), noiseRateHz)), voice.subarray(0, seconds * noiseRateHz)],
      [wav(await encoded("clean song.wav", ["-t", String(seconds), "-i", songA, "-c:a", "pcm_f32le"]), 44_100, 2), undefined]
    ] as const) {
      const before = samples ?? await decoded(file.path, file.sampleRateHz, file.channels)
      const { path } = await run(denoiseBasic(await request(file)))
      const after = await decoded(path, file.sampleRateHz, file.channels)
      expect(after.length).toBe(before.length)
      expect(siSdrDb(before, after)).toBeGreaterThan(20)
    }
  }, 60_000)

  it("denoises a long recording in parts, and nobody hears where they meet", async () => {
    const { noisy } = mixed(voice, await noises["white hiss"](25), 5)
    const samples = Float32Array.from({ length: 45 * 48_000 }, (_, n) => noisy[n % noisy.length] ?? 0)
    const denoised = async (maxParts: number) => {
      const path = join(await fresh(), "samples.f32")
      await writeFile(path, new Uint8Array(samples.buffer))
      await run(applyRnnoise({ path, channels: 1, onProgress: () => {}, maxParts }))
      return new Float32Array(new Uint8Array(await readFile(path)).buffer)
    }
    const [whole, parts] = await Promise.all([denoised(1), denoised(2)])
    expect(parts.length).toBe(samples.length)
    const middle = samples.length / 2
    const bytes = (of: Float32Array, from: number, to: number) => Buffer.from(of.slice(from, to).buffer)
    expect(bytes(parts, 0, middle).equals(bytes(whole, 0, middle))).toBe(true)
    expect(bytes(parts, middle, samples.length).equals(bytes(whole, middle, samples.length))).toBe(false)
    expect(siSdrDb(whole.subarray(middle), parts.subarray(middle))).toBeGreaterThan(30)
    expect(siSdrDb(whole.subarray(middle, middle + 24_000), parts.subarray(middle, middle + 24_000))).toBeGreaterThan(20)
  }, 60_000)

  it("keeps RNNoise from music, whoever asks for it", async () => {
    const failure = await run(Effect.flip(denoiseMedium(await request({ path: songA, demuxer: "ogg", sampleRateHz: 44_100, channels: 2 }))))
    expect(failure).toMatchObject({ _tag: "QualityThresholdError", metric: "signalToNoiseDb" })
  })

  it.each([
    ["mono speech at 8 kHz", () => encoded("speech-8k.wav", ["-i", speech, "-t", "8"]), 8_000, 1],
    ["stereo music", () => encoded("song-stereo.wav", ["-i", songB, "-t", "8"]), 44_100, 2],
    ["5.1", () => encoded("song-surround.wav", ["-i", songA, "-t", "6", "-af", "pan=5.1|FL=FL|FR=FR|FC=0.5*FL+0.5*FR|LFE=0.2*FL|BL=0.4*FL|BR=0.4*FR"]), 44_100, 6],
    ["192 kHz", () => encoded("song-192k.wav", ["-i", songA, "-t", "3", "-ar", "192000"]), 192_000, 2],
    ["a single second", () => encoded("song-1s.wav", ["-i", songA, "-t", "1"]), 44_100, 2],
    ["0.2 s", () => encoded("song-200ms.wav", ["-i", songA, "-t", "0.2"]), 44_100, 2],
    ["a quiet recording", () => encoded("speech-quiet.wav", ["-i", speech, "-t", "8", "-af", "volume=-35dB", "-c:a", "pcm_f32le"]), 8_000, 1],
    ["digital full scale", () => generatedAudio("full-scale.wav", "aevalsrc='if(gt(sin(2*PI*220*t),0),1,-1)':d=4:s=44100", ["-c:a", "pcm_f32le"]), 44_100, 1]
  ])("brings %s to the target within 0.3 LU, and no peak over the ceiling", async (_what, make, sampleRateHz, channels) => {
    for (const target of [{ targetLufs: -16, truePeakDbtp: -1.5 }, { targetLufs: -23, truePeakDbtp: -3 }]) {
      const { inspection, measured } = await toTarget(wav(await make(), sampleRateHz, channels), target)
      expect(Math.abs(measured.loudness.integratedLufs - target.targetLufs)).toBeLessThan(0.3)
      expect(measured.loudness.truePeakDbtp).toBeLessThanOrEqual(target.truePeakDbtp)
      expect(Math.abs(measured.durationMs - inspection.durationMs)).toBeLessThanOrEqual(1)
      expect(judgeLoudness(target, { ...measured.loudness, isSilent: false })).toBeUndefined()
    }
  }, 60_000)

  it.each([
    ["speech under a low ceiling", () => encoded("speech-8k.wav", ["-i", speech, "-t", "8"]), 8_000, 1, { targetLufs: -16, truePeakDbtp: -6 }],
    ["dense music for a loud platform", () => encoded("song-stereo.wav", ["-i", songB, "-t", "8"]), 44_100, 2, { targetLufs: -8, truePeakDbtp: -1 }]
  ])("makes up for what the limiter takes: %s", async (_what, make, sampleRateHz, channels, target) => {
    const { measured, normalized } = await toTarget(wav(await make(), sampleRateHz, channels), target)
    expect(normalized.passes).toBeGreaterThan(1)
    expect(judgeLoudness(target, { ...measured.loudness, isSilent: false })).toBeUndefined()
  }, 60_000)

  it("takes an offset of the zero line away", async () => {
    const offset = (await decoded(songA, noiseRateHz)).slice(0, 4 * noiseRateHz).map((sample) => sample * 0.5 + 0.3)
    const { normalized } = await toTarget(wav(await writtenWav("offset.wav", offset, noiseRateHz)))
    // The filter needs a moment at both ends.
    const after = (await decoded(normalized.path, noiseRateHz)).slice(noiseRateHz / 10, -noiseRateHz / 10)
    expect(Math.abs(after.reduce((sum, sample) => sum + sample, 0) / after.length)).toBeLessThan(0.001)
  })

  it("leaves silence silent, and blames nobody for it", async () => {
    const { measured, normalized } = await toTarget(wav(await generatedAudio("silence.wav", "anullsrc=r=44100:cl=mono", ["-t", "3"])))
    expect(normalized.isSilent).toBe(true)
    expect(measured.loudness.integratedLufs).toBe(-70)
    expect(judgeLoudness({ targetLufs: -16, truePeakDbtp: -1.5 }, { ...measured.loudness, isSilent: true })).toBeUndefined()
  })

  it("says of a target that peaks do not allow that it was not reached", async () => {
    const clicks = Float32Array.from({ length: 4 * noiseRateHz }, (_, n) => (n % 11_025 === 0 ? 0.9 : 0))
    const { measured } = await toTarget(wav(await writtenWav("clicks.wav", clicks, noiseRateHz)), { targetLufs: -8, truePeakDbtp: -3 })
    expect(measured.loudness.truePeakDbtp).toBeLessThanOrEqual(-3)
    expect(judgeLoudness({ targetLufs: -8, truePeakDbtp: -3 }, { ...measured.loudness, isSilent: false })).toMatchObject({ metric: "loudnessErrorLu" })
  })

  it("refuses a file with samples that are not numbers", async () => {
    const samples = voice.slice(0, noiseRateHz)
    samples[1000] = Number.NaN
    const failure = await run(Effect.flip(inspect({ ...wav(await writtenWav("not a number.wav", samples, noiseRateHz)), durationMs: 1000 })))
    expect(failure).toMatchObject({ _tag: "AudioProcessingError", message: expect.stringContaining("not numbers") })
  })
})

describe("a speech model", () => {
  const run = <A, E>(effect: Effect.Effect<A, E, FFmpeg>) => Effect.runPromise(Effect.provide(effect, ffmpegLayer()))
  const ask = async (file: AudioFile): Promise<DenoiseRequest> => ({
    file, inspection: await run(inspect({ ...file, durationMs: seconds * 1000 })), directory: await fresh(), onProgress: () => {}
  })
  const high = (path: string) => denoiseHigh({ path, timeoutMs: 60_000 })

  it("of the operator's denoises, in a process of its own", async () => {
    const { clean, file } = await noisySpeech("white hiss", 15)
    const asked = await ask(file)
    const { durationMs, path } = await run(high(await wienerModel(0.05))(asked))
    expect(Math.abs(durationMs - asked.inspection.durationMs)).toBeLessThan(20)
    const after = siSdrDb(clean, await decoded(path, noiseRateHz))
    expect(after).toBeGreaterThan(17)
  }, 60_000)

  it("that takes the voice with the noise does not count as denoising", async () => {
    const { file } = await noisySpeech("white hiss", 15)
    const failure = await run(Effect.flip(high(await gainModel(0.5))(await ask(file))))
    expect(failure).toMatchObject({ _tag: "QualityThresholdError", metric: "programmeLossDb", threshold: 3 })
  }, 60_000)

  it.each([
    ["garbage", async (path: string) => writeFile(path, crypto.getRandomValues(new Uint8Array(50_000)))],
    ["an empty file", async (path: string) => writeFile(path, "")],
    ["not there", async () => {}]
  ])("that is %s is told from one that failed, and takes nothing down with it", async (name, make) => {
    const path = join(directory, `${name}.onnx`)
    await make(path)
    const { file } = await noisySpeech("white hiss", 15)
    const failure = await run(Effect.flip(high(path)(await ask(file))))
    expect(failure).toMatchObject({ _tag: "ProviderError", provider: "sherpa-onnx", message: expect.stringContaining("DENOISER_MODEL_PATH") })
  }, 60_000)

  it("that is not configured is named by its setting", async () => {
    const { file } = await noisySpeech("white hiss", 15)
    const failure = await run(Effect.flip(denoiseHigh(undefined)(await ask(file))))
    expect(failure).toMatchObject({ _tag: "NotConfiguredError", settings: ["DENOISER_MODEL_PATH"] })
  })
})
