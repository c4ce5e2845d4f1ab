import fc from "fast-check"
import type { ICommonTagsResult } from "music-metadata"
import { describe, expect, it } from "vitest"
import { cleanTags, cleanText } from "../../../../src/audio/tags/cleanTags.ts"

const common = (tags: Partial<ICommonTagsResult>): ICommonTagsResult => ({ track: { no: null, of: null }, disk: { no: null, of: null }, movementIndex: { no: null, of: null }, ...tags })
const png = Buffer.from("89504e470d0a1a0a0000000d", "hex")

describe("a cleaned text", () => {
  it.each([
    ["NUL and control characters", "So\0ng\u0007 one\r\n", "So ng one"],
    ["a byte-order mark and what turns the text around", "\uFEFF\u202EgnoS\u202C", "gnoS"],
    ["a lone surrogate", "A\uD800B", "A\uFFFDB"],
    ["UTF-8 that was read as Latin-1", "S\u00C3\u00A9ctoid", "S\u00E9ctoid"],
    ["nothing that is Latin-1", "S\u00E9ctoid \u00C3", "S\u00E9ctoid \u00C3"],
    ["letters with loose accents", "Be\u0301la", "B\u00E9la"]
  ])("has %s repaired", (_what, text, cleaned) => expect(cleanText(text)).toBe(cleaned))

  it("keeps what Persian and families are spelled with", () => {
    expect(cleanText("می\u200Cخواهم 👨\u200D👩\u200D👧")).toBe("می\u200Cخواهم 👨\u200D👩\u200D👧")
  })

  it("is null when nothing can be seen of it", () => {
    for (const empty of [undefined, "", " \t\n", "\0\0", "\u200B\uFEFF"]) expect(cleanText(empty)).toBeNull()
    expect(cleanText(`a${"\u0316".repeat(5_000)}`)).toBeNull()
  })

  it("is cut between characters as people see them", () => {
    const family = "👨\u200D👩\u200D👧"
    expect(cleanText(`${"x".repeat(195)}${family}`)).toBe("x".repeat(195))
    expect(cleanText("y".repeat(1_000_000))).toBe("y".repeat(200))
  })

  it("always is well-formed, composed, one line, and no longer than it may be", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (codePoints, limit) => {
        const text = String.fromCodePoint(...codePoints)
        const cleaned = cleanText(text, limit)
        if (cleaned === null) return
        expect(cleaned.length).toBeGreaterThan(0)
        expect(cleaned.length).toBeLessThanOrEqual(limit)
        expect(cleaned.isWellFormed()).toBe(true)
        expect(cleaned).not.toMatch(/\p{Cc}/u)
        expect(cleaned).toBe(cleaned.trim())
      }),
      { numRuns: 50 }
    )
  })
})

describe("cleaned tags", () => {
  it("keep genres few, short and once each", () => {
    const { genres } = cleanTags(common({ genre: ["Metal", "metal", " ", "g".repeat(300), ...Array.from({ length: 100 }, (_, index) => `Genre ${index}`)] }))
    expect(genres.slice(0, 3)).toEqual(["Metal", "g".repeat(50), "Genre 0"])
    expect(genres).toHaveLength(20)
  })

  it("keep only years and track numbers that can be", () => {
    for (const year of [0, -1, 10_000, 1999.5, Number.NaN]) expect(cleanTags(common({ year })).year).toBeNull()
    expect(cleanTags(common({ year: 1999, track: { no: 3, of: 9 } }))).toMatchObject({ year: 1999, trackNumber: 3 })
    expect(cleanTags(common({ track: { no: 0, of: null } })).trackNumber).toBeNull()
  })

  it("keep a MusicBrainz id only if it is one", () => {
    const id = "1F9AE3C5-6E1E-4C8B-9F0A-0123456789AB"
    expect(cleanTags(common({ musicbrainz_recordingid: id })).musicBrainzId).toBe(id.toLowerCase())
    expect(cleanTags(common({ musicbrainz_recordingid: `${id}'; drop table track` })).musicBrainzId).toBeNull()
  })

  it("take a cover for what its bytes are, and drop what is no picture or too large", () => {
    const covered = (format: string, data: Uint8Array) => cleanTags(common({ picture: [{ format, data }] })).cover
    expect(covered("image/jpeg", png)).toEqual({ mediaType: "image/png", bytes: png })
    expect(covered("image/png", Buffer.from("<svg onload=alert(1)>"))).toBeNull()
    expect(covered("image/png", Buffer.concat([png, Buffer.alloc(10 * 1024 * 1024)]))).toBeNull()
    expect(covered("-->", Buffer.from("http://127.0.0.1/cover.png"))).toBeNull()
  })
})
