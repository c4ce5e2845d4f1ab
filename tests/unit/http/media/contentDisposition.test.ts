import { parse } from "content-disposition"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { contentDisposition } from "../../../../src/http/media/contentDisposition.ts"

describe("the name under which a file is saved", () => {
  it.each([
    ["song.mp3", "inline; filename=song.mp3"],
    ["La Mer.flac", 'inline; filename="La Mer.flac"'],
    ["Beyoncé.mp3", "inline; filename=Beyonce.mp3; filename*=UTF-8''Beyonc%C3%A9.mp3"],
    ["песня.mp3", "inline; filename=file.mp3; filename*=UTF-8''%D0%BF%D0%B5%D1%81%D0%BD%D1%8F.mp3"],
    ["歌", "inline; filename=file; filename*=UTF-8''%E6%AD%8C"]
  ])("%s has an ASCII form, and its own where that is another", (name, expected) => {
    expect(contentDisposition("inline", name)).toBe(expected)
  })

  it("can be saved or shown", () => {
    expect(contentDisposition("attachment", "a.mp3")).toMatch(/^attachment;/)
  })

  it("whatever it is, is one line of ASCII, and comes back as it was but for control characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const header = contentDisposition("attachment", name)
        expect(header).toMatch(/^[\x20-\x7e]*$/)
        expect(parse(header).parameters["filename"]).toBe(name.toWellFormed().replaceAll(/\p{Cc}/gu, ""))
      })
    )
  })
})
