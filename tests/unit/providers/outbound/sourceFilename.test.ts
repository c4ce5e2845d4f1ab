import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cleanFilename, sourceFilename } from "../../../../src/providers/outbound/sourceFilename.ts"

describe("the name of a downloaded file", () => {
  it.each([
    ["http://a.example/music/song.mp3", undefined, "song.mp3"],
    ["http://a.example/%D0%BF%D0%B5%D1%81%D0%BD%D1%8F.mp3?x=1#y", undefined, "песня.mp3"],
    ["http://a.example/100%.mp3", undefined, "100%.mp3"],
    ["http://a.example/a%2F..%2Fb.mp3", undefined, "b.mp3"],
    ["http://a.example/", undefined, undefined],
    ["http://a.example/x", 'attachment; filename="La Mer.flac"', "La Mer.flac"],
    ["http://a.example/x", "attachment; filename=plain.ogg; filename*=UTF-8''%e6%ad%8c.ogg", "歌.ogg"],
    ["http://a.example/x", 'attachment; filename="../../etc/passwd"', "passwd"],
    ["http://a.example/x", 'attachment; filename="C:\\\\music\\\\a.mp3"', "a.mp3"],
    ["http://a.example/x.mp3", "inline", "x.mp3"],
    ["http://a.example/x.mp3", ';;;=garbage"', "x.mp3"]
  ])("%s with %s is %s", (url, disposition, expected) => {
    expect(sourceFilename(new URL(url), disposition)).toBe(expected)
  })

  it("cannot turn its extension around or hide it behind control characters", () => {
    expect(cleanFilename("song\u202e3pm.exe")).toBe("song3pm.exe")
    expect(cleanFilename("a\u0000b\r\n.mp3")).toBe("ab.mp3")
  })

  it("keeps its extension when it is cut", () => {
    expect(cleanFilename(`${"é".repeat(400)}.mp3`)).toBe(`${"é".repeat(196)}.mp3`)
  })

  it("whatever the source says, is no path and no hidden file, and cleaning it again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        const clean = cleanFilename(name)
        if (clean === undefined) return
        expect(clean).not.toMatch(/^\.|[/\\\p{Cc}]/u)
        expect(Array.from(clean).length).toBeLessThanOrEqual(200)
        expect(cleanFilename(clean)).toBe(clean)
      })
    )
  })
})
