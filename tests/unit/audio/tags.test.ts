import { describe, expect, it } from "vitest"
import { metadataQuality } from "../../../src/audio/tags.ts"

const nothing = { title: null, artist: null, album: null, year: null, genres: [], trackNumber: null, cover: null, musicBrainzId: null }
const everything = { title: "a", artist: "b", album: "c", year: 1999, genres: ["d"], trackNumber: 1, cover: {}, musicBrainzId: "e" }

describe("how well a track is described", () => {
  it("goes from nothing to all", () => {
    expect(metadataQuality(nothing)).toBe(0)
    expect(metadataQuality(everything)).toBe(1)
  })

  it("is better with each part, and best served by title and artist", () => {
    for (const part of Object.keys(everything) as Array<keyof typeof everything>) {
      const gain = metadataQuality({ ...nothing, [part]: everything[part] })
      expect(gain).toBeGreaterThan(0)
      expect(gain).toBeLessThanOrEqual(metadataQuality({ ...nothing, title: "a" }))
      expect(metadataQuality({ ...everything, [part]: nothing[part] })).toBeLessThan(1)
    }
  })
})
