import { mkdtempSync, rmSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, ManagedRuntime } from "effect"
import { analyze } from "../../../../src/audio/analysis/analyze.ts"
import { findSilentEnds } from "../../../../src/audio/analysis/findSilentEnds.ts"
import { chooseEncoding, isChosen } from "../../../../src/audio/encoding/chooseEncoding.ts"
import { encode } from "../../../../src/audio/encoding/encode.ts"
import { encodings } from "../../../../src/audio/encoding/encodings.ts"
import type { FFmpeg } from "../../../../src/audio/FFmpeg.ts"
import { probe } from "../../../../src/audio/probe.ts"
import { sniffFile } from "../../../../src/audio/sniff.ts"
import { readTags } from "../../../../src/audio/tags.ts"
import { ResourceLimitError } from "../../../../src/domain/errors.ts"
import { AudioFormat } from "../../../../src/domain/Track.ts"
import { encoded, ffmpegLayer, ffmpegPrograms, generatedAudio, song, truncated } from "../../../support/audio.ts"

const directory = mkdtempSync(join(tmpdir(), "playhead-encode-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let made = 0

const convert = Effect.fnUntraced(function* (path: string, wish: { format: AudioFormat; bitrateKbps?: number | null; sampleRateHz?: number | null }, part?: { startSample: number; endSample: number }) {
  const format = yield* sniffFile(path)
  const source = yield* probe(path, format)
  const encoding = chooseEncoding({ bitrateKbps: null, sampleRateHz: null, ...wish }, source)
  if (!isChosen(encoding)) throw new Error(JSON.stringify(encoding))
  const toPath = join(directory, `${made++}`)
  const progress: Array<number> = []
  yield* encode({
    fromPath: path, demuxer: format.demuxer, bitDepth: source.bitDepth, toPath, encoding, tags: { title: "Ein Stück = 1;\n2", artist: "-i /etc/passwd" },
    onProgress: (ms) => progress.push(ms), ...(part !== undefined && { part })
  })
  const result = yield* sniffFile(toPath)
  const found = yield* probe(toPath, result)
  const measured = yield* analyze({
    path: toPath, demuxer: result.demuxer, sampleRateHz: found.sampleRateHz, channels: found.channels, declaredDurationMs: null, maxDurationMs: 600_000,
    tooLong: () => new ResourceLimitError({ message: "", resource: "", limit: 0 }), onProgress: () => {}
  })
  return { toPath, encoding, result, found, measured, progress, source }
})

describe.each(ffmpegPrograms)("with $name", ({ path: program }) => {
  const runtime = ManagedRuntime.make(ffmpegLayer(program))
  afterAll(() => runtime.dispose())
  const run = <A, E>(effect: Effect.Effect<A, E, FFmpeg>) => runtime.runPromise(effect)

  it.each(AudioFormat.literals)("a song becomes %s: found as what it is by its content, as long, with our tags alone", async (format) => {
    const path = await song("to-convert.mp3", { seconds: 4, tags: { comment: "not ours" } })
    const { found, measured, progress, result, toPath } = await run(convert(path, { format }))
    expect(result).toMatchObject({ demuxer: encodings[format].demuxer })
    expect(found.codec).toBe({ MP3: "mp3", FLAC: "flac", WAV: "pcm_s16le", AAC: "aac", OPUS: "opus", OGG: "vorbis" }[format])
    // Encoders pad to whole frames; MP3, AAC and Opus say so in their headers.
    expect(Math.abs(measured.durationMs - 4000)).toBeLessThan(60)
    expect(progress.at(-1)).toBeGreaterThan(3900)
    const tags = await run(readTags(toPath))
    if (format !== "WAV") expect(tags).toMatchObject({ title: expect.stringContaining("Ein Stück"), artist: "-i /etc/passwd" })
    expect((await readFile(toPath)).includes("not ours")).toBe(false)
  })

  it("every format takes the lowest and the highest bit rate that we say it has, mono and stereo, at each of its sample rates", async () => {
    const refused: Array<string> = []
    for (const format of AudioFormat.literals) {
      const { bitrates, sampleRatesHz } = encodings[format]
      // The rates at which the ranges change are the ones that can be wrong.
      const rates = bitrates === undefined ? [8_000, 192_000] : sampleRatesHz.filter((rate) => [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000].includes(rate))
      for (const sampleRateHz of rates) {
        for (const channels of [1, 2]) {
          const path = await generatedAudio(`noise-${channels}.wav`, "anoisesrc=d=0.3:r=44100:c=pink", ["-ac", String(channels)])
          const allowed = bitrates?.({ sampleRateHz, channels })
          const ends = allowed === undefined ? [null] : "oneOf" in allowed ? [allowed.oneOf[0] ?? 0, allowed.oneOf.at(-1) ?? 0] : [allowed.from, allowed.to]
          for (const bitrateKbps of ends) {
            const encoding = chooseEncoding({ format, bitrateKbps, sampleRateHz }, { sampleRateHz: 44_100, channels })
            if (!isChosen(encoding)) throw new Error(JSON.stringify(encoding))
            const exit = await run(Effect.exit(encode({ fromPath: path, demuxer: "wav", bitDepth: 16, toPath: join(directory, `${made++}`), encoding, tags: {}, onProgress: () => {} })))
            if (exit._tag === "Failure") refused.push(`${format} ${sampleRateHz} Hz x${channels} ${bitrateKbps}k: ${String(exit.cause)}`)
          }
        }
      }
    }
    expect(refused).toEqual([])
  }, 120_000)

  it("24 bits stay 24 without loss, and what was lossy does not swell to them", async () => {
    const deep = await generatedAudio("deep.flac", "sine=frequency=440:duration=1", ["-af", "volume=-20dB", "-sample_fmt", "s32", "-ar", "96000"])
    for (const format of ["FLAC", "WAV"] as const) expect((await run(convert(deep, { format }))).found).toMatchObject({ bitDepth: 24, sampleRateHz: 96_000 })
    const lossy = await song("to-convert.mp3", { seconds: 4 })
    expect((await run(convert(lossy, { format: "FLAC" }))).found.bitDepth).toBe(16)
  })

  it("six channels stay six without loss, and are mixed down where a format has two", async () => {
    const path = await encoded("six.flac", ["-f", "lavfi", "-i", "anoisesrc=d=1:c=pink", "-ac", "6"])
    expect((await run(convert(path, { format: "WAV" }))).found.channels).toBe(6)
    expect((await run(convert(path, { format: "OPUS" }))).found.channels).toBe(2)
  })

  it("a part is cut to the sample, also from a format whose decoder has a delay", async () => {
    for (const name of ["to-cut.wav", "to-cut.mp3", "to-cut.m4a", "to-cut.opus"]) {
      const path = await generatedAudio(name, "sine=frequency=440:duration=3", ["-ar", "48000"])
      const { found, measured, toPath } = await run(convert(path, { format: "FLAC" }, { startSample: 12_345, endSample: 60_346 }))
      expect(measured.durationMs).toBe(1000)
      expect(found.sampleRateHz).toBe(48_000)
      // The same samples as at that place of the whole.
      const whole = await run(convert(path, { format: "WAV" }))
      const cut = await run(convert(toPath, { format: "WAV" }))
      const dataOf = async (file: string) => { const bytes = await readFile(file); return bytes.subarray(bytes.indexOf("data") + 8) }
      const bytesPerFrame = 2 * found.channels
      expect(Buffer.compare((await dataOf(cut.toPath)).subarray(0, 48_001 * bytesPerFrame), (await dataOf(whole.toPath)).subarray(12_345 * bytesPerFrame, 60_346 * bytesPerFrame))).toBe(0)
    }
  })

  it("sound is found to the sample between silences, by the loudest channel", async () => {
    const path = await generatedAudio("framed.wav", "aevalsrc=exprs='0|if(between(n\\,10000\\,29999)\\,0.5\\,0.0005)':s=48000:d=1", ["-c:a", "pcm_s24le"])
    const search = (thresholdDb: number) => run(findSilentEnds({ path, demuxer: "wav", sampleRateHz: 48_000, channels: 2, thresholdDb, onProgress: () => {} }))
    expect(await search(-60)).toEqual({ totalFrames: 48_000, sound: { firstFrame: 10_000, lastFrame: 29_999 } })
    expect(await search(-70)).toEqual({ totalFrames: 48_000, sound: { firstFrame: 0, lastFrame: 47_999 } })
    expect(await search(-3)).toEqual({ totalFrames: 48_000, sound: null })
  })

  it("a damaged source is no shorter result but a failure", async () => {
    const path = await truncated("damaged.flac", await song("to-damage.flac", { seconds: 4 }), 0.7)
    expect(await run(Effect.flip(convert(path, { format: "MP3" })))).toMatchObject({ _tag: "AudioProcessingError" })
  })
})
