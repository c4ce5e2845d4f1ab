import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { StderrExcerpt } from "../../../../src/audio/ffmpeg/StderrExcerpt.ts"

const bytes = (text: string) => Buffer.from(text, "utf8")

describe("an excerpt of stderr", () => {
  it("gives back a short text whole", () => {
    const excerpt = new StderrExcerpt()
    excerpt.push(bytes("first\nsecond"))
    excerpt.end()
    expect(excerpt.text).toBe("first\nsecond\n")
  })

  it("keeps the first and the last lines of a long text, and says how many are missing", () => {
    const excerpt = new StderrExcerpt()
    for (let line = 0; line < 10_000; line++) excerpt.push(bytes(`line ${line}\n`))
    excerpt.end()
    expect(excerpt.text.length).toBeLessThan(9_000)
    expect(excerpt.text).toMatch(/^line 0\n/u)
    expect(excerpt.text).toMatch(/line 9999\n$/u)
    const kept = excerpt.text.split("\n").filter((line) => line.startsWith("line ")).length
    expect(excerpt.text).toContain(`[${10_000 - kept} lines left out]`)
  })

  it("does not grow with a line that never ends", () => {
    const excerpt = new StderrExcerpt()
    for (let chunk = 0; chunk < 100; chunk++) excerpt.push(Buffer.alloc(10_000, "x"))
    excerpt.end()
    expect(excerpt.text.length).toBeLessThan(9_000)
  })

  it("finds the same lines however the text is cut into chunks", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replaceAll(/[\r\n]/gu, ""))), fc.array(fc.nat(40)), (lines, cuts) => {
        const all = bytes(lines.map((line) => `${line}\n`).join(""))
        const excerpt = new StderrExcerpt()
        const found: Array<string> = []
        let at = 0
        for (const cut of cuts) {
          found.push(...excerpt.push(all.subarray(at, at + cut)))
          at += cut
        }
        found.push(...excerpt.push(all.subarray(at)), ...excerpt.end())
        expect(found).toEqual(lines.filter((line) => line !== "").map((line) => bytes(line).toString("utf8")))
      })
    )
  })
})
