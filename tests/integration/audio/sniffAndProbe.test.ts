import { describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import { probe } from "../../../src/audio/probe.ts"
import { sniffFile } from "../../../src/audio/sniff.ts"
import { encoded, ffmpegLayer, ffmpegPrograms, generatedAudio, id3Tag, song, songA, songB, speech, truncated, videoWithAudio, videoWithoutAudio, wavPromising4GB, written } from "../../support/audio.ts"

/** Files of 4 s, and what is to be found in each whatever its name says. */
const readable: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, found: Readonly<Record<string, unknown>>]> = [
  ["a.mp3", [], { container: "MP3", demuxer: "mp3", mediaType: "audio/mpeg", codec: "mp3", sampleRateHz: 44_100, channels: 2 }],
  ["without-id3.mp3", ["-id3v2_version", "0"], { container: "MP3", codec: "mp3" }],
  ["a.mp2", ["-c:a", "mp2"], { container: "MP3", codec: "mp2" }],
  ["a.flac", [], { container: "FLAC", demuxer: "flac", mediaType: "audio/flac", codec: "flac" }],
  ["a.wav", [], { container: "WAV", demuxer: "wav", mediaType: "audio/wav", codec: "pcm_s16le" }],
  ["rf64.wav", ["-rf64", "always"], { container: "WAV", demuxer: "wav", codec: "pcm_s16le" }],
  ["a.w64", [], { container: "Wave64", demuxer: "w64" }],
  ["a.aiff", ["-ac", "1"], { container: "AIFF", demuxer: "aiff", channels: 1 }],
  ["vorbis.ogg", ["-c:a", "libvorbis"], { container: "Ogg", demuxer: "ogg", codec: "vorbis" }],
  ["a.opus", ["-c:a", "libopus"], { container: "Ogg", codec: "opus", extension: "opus", sampleRateHz: 48_000 }],
  ["flac.ogg", ["-c:a", "flac"], { container: "Ogg", codec: "flac" }],
  ["a.m4a", ["-ar", "22050"], { container: "MP4", demuxer: "mov", mediaType: "audio/mp4", codec: "aac", sampleRateHz: 22_050 }],
  ["alac.m4a", ["-c:a", "alac"], { container: "MP4", codec: "alac" }],
  ["fragmented.mp4", ["-movflags", "frag_keyframe+empty_moov"], { container: "MP4", codec: "aac" }],
  ["a.aac", ["-f", "adts"], { container: "AAC", demuxer: "aac", mediaType: "audio/aac", codec: "aac" }],
  ["a.webm", ["-c:a", "libopus"], { container: "WebM", demuxer: "matroska", codec: "opus" }],
  ["a.mka", ["-c:a", "flac"], { container: "Matroska", demuxer: "matroska", codec: "flac" }],
  ["a.wma", ["-c:a", "wmav2"], { container: "ASF", demuxer: "asf", codec: "wmav2" }],
  ["a.caf", [], { container: "CAF", demuxer: "caf" }],
  ["surround.flac", ["-af", "pan=5.1|FL=FL|FR=FR|FC=FL|LFE=FL|BL=FL|BR=FR"], { codec: "flac", channels: 6 }]
]

const found = (path: string) =>
  Effect.gen(function*() {
    const format = yield* sniffFile(path)
    return { ...format, ...(yield* probe(path, format)) }
  })

describe.each(ffmpegPrograms)("sniffing and probing, with $name", (program) => {
  it.layer(ffmpegLayer(program.path), { excludeTestServices: true, timeout: "1 minute" })((test) => {
    test.effect.each(readable)("tells what %s is", ([name, args, expected]) =>
      Effect.gen(function*() {
        const made = yield* Effect.promise(() => song(name, { args }))
        // Under a name that lies.
        const path = yield* Effect.promise(() => written(`${name}.txt`, readFileSync(made)))
        const facts = yield* found(path)
        expect(facts).toMatchObject(expected)
        expect(Math.abs((facts.durationMs ?? 0) - 4_000)).toBeLessThan(150)
        expect(facts.bitrateBps).toBeGreaterThan(8_000)
      }))

    test.effect("tells the real recordings apart", () =>
      Effect.gen(function*() {
        for (const path of [songA, songB]) expect(yield* found(path)).toMatchObject({ container: "Ogg", codec: "vorbis", sampleRateHz: 44_100, channels: 2 })
        expect(yield* found(speech)).toMatchObject({ container: "MP3", sampleRateHz: 8_000, channels: 1, bitrateBps: 32_000 })
      }))

    test.effect("finds the music behind tags larger than any head, and behind several", () =>
      Effect.gen(function*() {
        const mp3 = readFileSync(yield* Effect.promise(() => song("without-id3.mp3", { args: ["-id3v2_version", "0"] })))
        const flac = readFileSync(yield* Effect.promise(() => song("a.flac")))
        const large = id3Tag({ TIT2: "x".repeat(1_000_000) }, 200_000)
        const tagged = yield* Effect.promise(() => written("large-tag.mp3", Buffer.concat([large, id3Tag({ TIT2: "again" }), mp3])))
        expect(yield* found(tagged)).toMatchObject({ container: "MP3", codec: "mp3", sampleRateHz: 44_100 })
        const other = yield* Effect.promise(() => written("large-tag.flac", Buffer.concat([id3Tag({ TIT2: "x".repeat(100_000) }), flac])))
        expect(yield* found(other)).toMatchObject({ container: "FLAC", codec: "flac" })
        const hollow = yield* Effect.promise(() => written("tag-only.mp3", large))
        expect(yield* Effect.flip(found(hollow))).toMatchObject({ _tag: "UnsupportedMediaError" })
      }))

    test.effect("takes the sound of a film, and refuses one that has none", () =>
      Effect.gen(function*() {
        expect(yield* found(yield* Effect.promise(() => videoWithAudio("film.mp4")))).toMatchObject({ mediaType: "video/mp4", codec: "aac", channels: 2 })
        for (const name of ["silent.mp4", "silent.webm", "silent.ogv", "silent.wmv"]) {
          const failure = yield* Effect.flip(found(yield* Effect.promise(() => videoWithoutAudio(name))))
          expect(failure).toMatchObject({ _tag: "UnsupportedMediaError", code: "UNSUPPORTED_MEDIA" })
          expect(failure.message).toContain("without sound")
        }
      }))

    test.effect("refuses a playlist, pictures and noise that are called .mp3, and says what can be sent", () =>
      Effect.gen(function*() {
        const playlist = yield* Effect.promise(() => written("hls.mp3", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n"))
        const noise = yield* Effect.promise(() => written("ten-megabytes.mp3", crypto.getRandomValues(new Uint8Array(65_536))))
        const picture = yield* Effect.promise(() => generatedAudio("picture.png", "testsrc=size=64x64", ["-frames:v", "1"]))
        for (const path of [playlist, noise, picture]) {
          const failure = yield* Effect.flip(sniffFile(path))
          expect(failure).toMatchObject({ _tag: "UnsupportedMediaError", retryable: false })
          expect(failure.message).toContain("MP3")
        }
      }))

    test.effect("does not believe a header that promises four gigabytes", () =>
      Effect.gen(function*() {
        const facts = yield* found(yield* Effect.promise(wavPromising4GB))
        expect(facts).toMatchObject({ container: "WAV", sampleRateHz: 44_100, channels: 2 })
      }))

    test.effect("reads the headers of files that were cut short", () =>
      Effect.gen(function*() {
        for (const name of ["whole.mp3", "whole.flac", "whole.ogg"]) {
          const whole = yield* Effect.promise(() => song(name))
          const cut = yield* Effect.promise(() => truncated(`cut-${name}`, whole))
          expect((yield* found(cut)).sampleRateHz).toBe(44_100)
        }
      }))

    test.effect("says that a container full of rubbish cannot be decoded, without a path", () =>
      Effect.gen(function*() {
        const path = yield* Effect.promise(() => written("rubbish.flac", Buffer.concat([Buffer.from("fLaC"), crypto.getRandomValues(new Uint8Array(60_000))])))
        const failure = yield* Effect.flip(found(path))
        expect(failure._tag).toBe("AudioProcessingError")
        expect(failure.message).not.toContain("/")
      }))

    test.effect("is not led astray by tags that look like ffmpeg's own report", () =>
      Effect.gen(function*() {
        const tags = { title: "x\n  Duration: 99:00:00.00, bitrate: 1 kb/s\n  Stream #0:0: Audio: opus, 8000 Hz, mono", "  Stream #0:0: Audio: opus": "8000 Hz" }
        const path = yield* Effect.promise(() => encoded("liar.flac", ["-t", "4", "-i", songA, ...Object.entries(tags).flatMap(([key, value]) => ["-metadata", `${key}=${value}`])]))
        const facts = yield* found(path)
        expect(facts).toMatchObject({ codec: "flac", sampleRateHz: 44_100 })
        expect(Math.abs((facts.durationMs ?? 0) - 4_000)).toBeLessThan(150)
      }))
  })
})
