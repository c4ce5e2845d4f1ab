import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type AnalysisRequest, analyze } from "../../../../src/audio/analysis/analyze.ts"
import { probe } from "../../../../src/audio/probe.ts"
import { formatsByExtension } from "../../../../src/audio/formats.ts"
import { ResourceLimitError } from "../../../../src/domain/errors.ts"
import { bundledFFmpeg, ffmpegLayer, ffmpegPrograms } from "../../../support/audio.ts"

const directory = mkdtempSync(join(tmpdir(), "playhead-analyze-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const file = (name: string) => join(directory, name)

const ffmpeg = (...args: ReadonlyArray<string>) => execFileSync(bundledFFmpeg, ["-v", "error", "-nostdin", "-y", ...args])
const lavfi = (name: string, graph: string, ...args: ReadonlyArray<string>) => ffmpeg("-f", "lavfi", "-i", graph, ...args, file(name))

/** Something that has melody, level changes and stereo, made of tones and noise; 20 s. */
const music = "aevalsrc='0.4*sin(2*PI*t*(220+110*floor(mod(t*3,7))))*(0.4+0.6*mod(t,1))+0.15*random(0)|0.3*sin(2*PI*t*(330+55*floor(mod(t*2,5))))*mod(t*2,1)+0.15*random(1)':s=44100:d=20"

const cut = (from: string, to: string, keptShare: number, lessBytes = 0) => {
  const bytes = readFileSync(file(from))
  writeFileSync(file(to), bytes.subarray(0, Math.floor(bytes.length * keptShare) - lessBytes))
}

beforeAll(() => {
  lavfi("music.wav", music)
  const encode = (name: string, ...args: ReadonlyArray<string>) => ffmpeg("-i", file("music.wav"), ...args, file(name))
  encode("music.flac")
  encode("music.mp3", "-b:a", "128k")
  encode("vbr-without-header.mp3", "-q:a", "4", "-write_xing", "0")
  encode("music.ogg")
  encode("music.m4a", "-movflags", "+faststart")
  encode("music.mkv", "-c:a", "flac")
  cut("music.mp3", "half.mp3", 0.5)
  cut("music.mp3", "last-frame-cut.mp3", 1, 137)
  cut("music.flac", "half.flac", 0.5)
  cut("music.m4a", "half.m4a", 0.5)
  cut("music.mkv", "half.mkv", 0.5)
  writeFileSync(file("lyrics.mp3"), Buffer.concat([readFileSync(file("music.mp3")), Buffer.from(`LYRICSBEGIN${"[00:01]la".repeat(200)}001811LYRICS200`), Buffer.alloc(3000)]))
  const wav = readFileSync(file("music.wav"))
  wav.writeUInt32LE(0xfffffff0, 4)
  wav.writeUInt32LE(0xffffffc0, wav.indexOf("data") + 4)
  writeFileSync(file("promises-4-gb.wav"), wav)
  lavfi("not-a-number.wav", "aevalsrc='if(gt(n,5000),0/0,0.1)':d=1", "-c:a", "pcm_f32le")
  // A film whose picture goes on for ten seconds after its sound has ended.
  ffmpeg("-i", file("music.wav"), "-f", "lavfi", "-i", "color=size=32x32:rate=5:duration=30", "-c:v", "mpeg4", "-c:a", "aac", file("film.mp4"))
}, 60_000)

const measure = Effect.fnUntraced(function*(name: string, options: Partial<AnalysisRequest> = {}) {
  const format = formatsByExtension[name.split(".").at(-1) ?? ""]!
  const { sampleRateHz, channels, durationMs } = yield* probe(file(name), format)
  return yield* analyze({
    path: file(name),
    demuxer: format.demuxer,
    sampleRateHz,
    channels,
    declaredDurationMs: durationMs,
    maxDurationMs: 3_600_000,
    tooLong: () => new ResourceLimitError({ message: "too long", resource: "durationMinutes", limit: 1 }),
    onProgress: () => {},
    ...options
  })
})

/** What ffmpeg's own meter says. */
const ebur128 = (path: string) => {
  const { stderr } = spawnSync(bundledFFmpeg, ["-nostdin", "-nostats", "-i", path, "-map", "0:a:0", "-af", "ebur128=framelog=verbose:peak=true", "-f", "null", "-"], { encoding: "utf8" })
  const summary = stderr.slice(stderr.lastIndexOf("Summary:"))
  const value = (name: string) => Number(new RegExp(`${name}:\\s+(-?[\\d.]+)`, "u").exec(summary)?.[1])
  return { integratedLufs: value("I"), rangeLu: value("LRA"), truePeakDbtp: value("Peak") }
}

const chromaprint = (path: string) => {
  const raw = execFileSync(bundledFFmpeg, ["-v", "error", "-nostdin", "-i", path, "-map", "0:a:0", "-f", "chromaprint", "-fp_format", "raw", "-"])
  return new Int32Array(new Uint8Array(raw).buffer)
}

describe.each(ffmpegPrograms)("an analysis, with $name", ({ path: program }) => {
  it.layer(ffmpegLayer(program), { excludeTestServices: true })((test) => {
    test.effect("finds duration, loudness, peaks and fingerprint in one decode", () =>
      Effect.gen(function*() {
        const heard: Array<number> = []
        const found = yield* measure("music.flac", { onProgress: (decodedMs) => heard.push(decodedMs) })
        expect(found.durationMs).toBe(20_000)
        expect(found.waveform).toMatchObject({ sampleRateHz: 44_100, samplesPerPixel: 256 })
        expect(found.waveform.peaks).toHaveLength(Math.ceil((20 * 44_100) / 256) * 2)
        expect(Math.max(...found.waveform.peaks)).toBeGreaterThan(30)
        expect(found.fingerprint).toEqual(chromaprint(file("music.flac")))
        expect(found.fingerprint.length).toBeGreaterThan(130)
        expect(heard.length).toBeGreaterThan(20)
        expect(heard).toEqual(heard.toSorted((a, b) => a - b))
        expect(heard.at(-1)).toBeCloseTo(20_000, 0)
      }))

    // Tones are faded in: ffmpeg's resampler makes up what was before an abrupt start, and finds a peak of it.
    test.effect.each([
      ["music and noise", "music.wav", undefined],
      ["a lossy encoding, over full scale between samples", "loud.mp3", "anoisesrc=a=0.9:d=15:c=pink:r=44100:s=1,volume=6dB,aformat=channel_layouts=stereo"],
      ["white noise", "white.wav", "anoisesrc=a=0.8:d=10:c=white:r=48000:s=2"],
      ["a quarter-rate tone at 45°", "quarter.wav", "aevalsrc='0.5*sin(PI*n/2+PI/4)':s=48000:d=10,afade=d=0.1"],
      ["a quarter-rate tone at 45° and 44.1 kHz", "quarter44.wav", "aevalsrc='0.5*sin(PI*n/2+PI/4)':s=44100:d=10,afade=d=0.1"],
      ["speech rates", "low.wav", "anoisesrc=a=0.5:d=15:c=pink:r=8000:s=3"],
      ["high rates", "high.flac", "anoisesrc=a=0.5:d=10:c=pink:r=192000:s=4"],
      ["5.1", "surround.wav", "aevalsrc='0.1*sin(700*t)|0.1*sin(900*t)|0.2*sin(2000*t)|0.5*sin(300*t)|0.3*sin(3000*t)|0.3*sin(4000*t)':c=5.1:d=15:s=48000"]
    ] as ReadonlyArray<readonly [string, string, string | undefined]>)("agrees with ffmpeg's meter on %s", ([, name, graph]) =>
      Effect.gen(function*() {
        if (graph !== undefined) lavfi(name, graph)
        const { loudness } = yield* measure(name)
        const theirs = ebur128(file(name))
        // Theirs are printed with one digit behind the point.
        expect(Math.abs(loudness.integratedLufs - theirs.integratedLufs)).toBeLessThan(0.1 + 0.05)
        expect(Math.abs(loudness.truePeakDbtp - theirs.truePeakDbtp)).toBeLessThan(0.1 + 0.05)
        expect(Math.abs(loudness.rangeLu - theirs.rangeLu)).toBeLessThan(0.3)
      }), 30_000)

    test.effect.each([
      ["an MP3 cut in half", "half.mp3", /announces 20\.\d s of audio and has (9|10)\.\d s/],
      ["a FLAC cut in half", "half.flac", /could not be processed/],
      ["an M4A cut in half", "half.m4a", /could not be processed/],
      ["a Matroska file cut in half", "half.mkv", /announces 20\.\d s/],
      ["a WAV that promises 4 GB", "promises-4-gb.wav", /could not be processed/],
      ["samples that are not numbers", "not-a-number.wav", /not numbers/]
    ] as ReadonlyArray<readonly [string, string, RegExp]>)("refuses %s", ([, name, message]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(measure(name))
        expect(error._tag).toBe("AudioProcessingError")
        expect(error.message).toMatch(message)
        expect(error.message).not.toContain(directory)
      }))

    test.effect.each([
      ["an MP3 that was cut within its last frame", "last-frame-cut.mp3"],
      ["an MP3 with lyrics and padding behind the audio", "lyrics.mp3"],
      ["a VBR MP3 whose duration can only be estimated", "vbr-without-header.mp3"],
      ["an Ogg file", "music.ogg"],
      ["a film whose picture is longer than its sound", "film.mp4"]
    ])("takes %s", ([, name]) =>
      Effect.gen(function*() {
        const { durationMs } = yield* measure(name!)
        expect(Math.abs(durationMs - 20_000)).toBeLessThan(100)
      }))

    test.effect("measures surround sound, and fingerprints it as the same music in stereo", () =>
      Effect.gen(function*() {
        ffmpeg("-i", file("music.wav"), "-ac", "6", file("six.flac"))
        const [six, two] = [yield* measure("six.flac"), yield* measure("music.wav")]
        expect(six.loudness.integratedLufs).toBeCloseTo(two.loudness.integratedLufs, 1)
        expect(six.fingerprint.length).toBe(two.fingerprint.length)
      }))

    test.effect("measures clips too short for a gating block or a fingerprint", () =>
      Effect.gen(function*() {
        lavfi("clip.wav", "sine=frequency=1000:duration=0.2")
        const found = yield* measure("clip.wav")
        expect(found.durationMs).toBe(200)
        expect(found.loudness.integratedLufs).toBeGreaterThan(-25)
        expect(found.fingerprint).toHaveLength(0)
      }))

    test.effect("gives silence the least values that JSON can hold", () =>
      Effect.gen(function*() {
        lavfi("silence.wav", "anullsrc=d=5")
        const { loudness } = yield* measure("silence.wav")
        expect(loudness).toEqual({ integratedLufs: -70, truePeakDbtp: -144, rangeLu: 0 })
      }))

    test.effect("stops decoding soon after the longest duration that is allowed, whatever the header said", () =>
      Effect.gen(function*() {
        let decodedMs = 0
        const error = yield* Effect.flip(measure("music.mp3", { declaredDurationMs: null, maxDurationMs: 5000, onProgress: (ms) => { decodedMs = ms } }))
        expect(error._tag).toBe("ResourceLimitError")
        expect(decodedMs).toBeLessThanOrEqual(6000)
        expect((yield* measure("music.flac", { maxDurationMs: 20_000 })).durationMs).toBe(20_000)
      }))
  })
})
