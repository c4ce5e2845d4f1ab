import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { metadataQuality, readTags } from "../../../src/audio/tags.ts"
import { noTags } from "../../../src/audio/tags/Tags.ts"
import { encoded, generatedAudio, id3Tag, song, songA, written } from "../../support/audio.ts"

const described = { title: "Metal madness", artist: "Séctoid", album: "Frets", album_artist: "Various", genre: "Metal", date: "2007", track: "3/9", language: "eng" }
const known = { title: "Metal madness", artist: "Séctoid", album: "Frets", albumArtist: "Various", genres: ["Metal"], year: 2007, trackNumber: 3 }

describe("the tags of a real song", () => {
  it.live.each([
    ["tagged.mp3", []],
    ["tagged-id3v2.3.mp3", ["-id3v2_version", "3"]],
    ["tagged.flac", []],
    ["tagged.m4a", []],
    ["tagged.ogg", ["-c:a", "libvorbis"]],
    ["tagged.opus", ["-c:a", "libopus"]]
  ] as const)("are read from %s", ([name, args]) =>
    Effect.gen(function*() {
      const path = yield* Effect.promise(() => song(name, { tags: described, args }))
      expect(yield* readTags(path)).toMatchObject(known)
    }))

  it.live("are read from a WAV, which has room for fewer", () =>
    Effect.gen(function*() {
      const path = yield* Effect.promise(() => song("tagged.wav", { tags: described }))
      expect(yield* readTags(path)).toMatchObject({ title: "Metal madness", artist: "Séctoid", album: "Frets", year: 2007 })
    }))

  it.live("are read from ADTS AAC behind an ID3 tag", () =>
    Effect.gen(function*() {
      const path = yield* Effect.promise(() => song("tagged.aac", { tags: described, args: ["-f", "adts", "-write_id3v2", "1"] }))
      expect(yield* readTags(path)).toMatchObject({ title: "Metal madness", artist: "Séctoid", album: "Frets" })
    }))

  it.live("do not depend on the file's name", () =>
    Effect.gen(function*() {
      const flac = yield* Effect.promise(() => song("tagged.flac", { tags: described }))
      const path = yield* Effect.promise(() => written("a-flac-called.mp3", readFileSync(flac)))
      expect(yield* readTags(path)).toMatchObject(known)
    }))

  it.live("come with the cover, whose type is what its bytes are", () =>
    Effect.gen(function*() {
      const picture = yield* Effect.promise(() => generatedAudio("cover.png", "testsrc=size=64x64", ["-frames:v", "1"]))
      const path = yield* Effect.promise(() =>
        encoded("covered.mp3", ["-t", "2", "-i", songA, "-i", picture, "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic", "-metadata", "title=Covered"]))
      const tags = yield* readTags(path)
      expect(tags.cover?.mediaType).toBe("image/png")
      expect(Buffer.from(tags.cover?.bytes ?? []).equals(readFileSync(picture))).toBe(true)
      expect(metadataQuality(tags)).toBeGreaterThan(metadataQuality({ ...tags, cover: null }))
    }))
})

describe("tags that somebody made to hurt", () => {
  it.live("are cleaned and cut, whatever their size", () =>
    Effect.gen(function*() {
      const mp3 = readFileSync(yield* Effect.promise(() => song("plain.mp3", { args: ["-id3v2_version", "0"] })))
      const tag = id3Tag({ TIT2: "T".repeat(1_000_000), TPE1: "An\u0001 ar\u0007tist\u202E", TALB: "\u200B \u0001", TRCK: "-5", TDRC: "0000" })
      const path = yield* Effect.promise(() => written("hostile-tags.mp3", Buffer.concat([tag, mp3])))
      expect(yield* readTags(path)).toMatchObject({ title: "T".repeat(200), artist: "An ar tist", album: null, trackNumber: null, year: null })
    }))

  it.live("are empty when they cannot be read, and the log says why", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logged.push(message))
      const broken = yield* Effect.promise(() => written("broken-tags.mp3", Buffer.from("no audio at all")))
      expect(yield* readTags(broken).pipe(Effect.provide(Logger.layer([logger])))).toEqual(noTags)
      expect(String(logged)).toContain("tags could not be read")
    }))

  it.live("never hold up the rest of the program", () =>
    Effect.gen(function*() {
      // Sizes and offsets of its boxes overwritten, one after the other.
      const bytes = readFileSync(yield* Effect.promise(() => song("tagged.m4a", { tags: described })))
      const head = bytes.indexOf("moov")
      const variants = Array.from({ length: 12 }, (_, index) => {
        const changed = Buffer.from(bytes)
        changed.fill(0xff, head + 4 + index * 37, head + 8 + index * 37)
        return changed
      })
      for (const [index, variant] of variants.entries()) {
        const path = yield* Effect.promise(() => written(`mangled-${index}.m4a`, variant))
        const tags = yield* readTags(path)
        expect(Object.keys(tags)).toEqual(Object.keys(noTags))
      }
    }), 60_000)
})
