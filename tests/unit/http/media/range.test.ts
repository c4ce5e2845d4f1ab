import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseRange } from "../../../../src/http/media/range.ts"

const part = (start: number, end: number) => ({ _tag: "Part", start, end })
const whole = { _tag: "Whole" }
const unsatisfiable = { _tag: "Unsatisfiable" }

describe("a Range header for a file of 1000 bytes", () => {
  it.each([
    ["bytes=0-0", part(0, 0)],
    ["bytes=0-499", part(0, 499)],
    ["bytes=500-999", part(500, 999)],
    ["bytes=500-5000", part(500, 999)],
    ["bytes=999-", part(999, 999)],
    ["bytes=0-", part(0, 999)],
    ["bytes=-1", part(999, 999)],
    ["bytes=-1000", part(0, 999)],
    ["bytes=-99999", part(0, 999)],
    [`bytes=0-${"9".repeat(400)}`, part(0, 999)],
    ["Bytes=0-9", part(0, 9)]
  ])("%s is answered with that part", (header, expected) => {
    expect(parseRange(header, 1000)).toEqual(expected)
  })

  it.each(["bytes=1000-", "bytes=1000-2000", "bytes=-0", `bytes=${"9".repeat(400)}-`])(
    "%s cannot be satisfied",
    (header) => {
      expect(parseRange(header, 1000)).toEqual(unsatisfiable)
    }
  )

  it.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-4",
    "bytes=0x1-0x2",
    "bytes=1.5-2",
    "bytes=--1",
    "items=0-5",
    "0-5"
  ])("%s is not understood, and the whole file is sent", (header) => {
    expect(parseRange(header, 1000)).toEqual(whole)
  })

  it("with several ranges is answered with the whole file", () => {
    expect(parseRange("bytes=0-1,5-6", 1000)).toEqual(whole)
    expect(parseRange("bytes=0-1, -1", 1000)).toEqual(whole)
  })
})

describe("a Range header", () => {
  it("cannot be satisfied by an empty file", () => {
    expect(parseRange("bytes=0-", 0)).toEqual(unsatisfiable)
    expect(parseRange("bytes=-5", 0)).toEqual(unsatisfiable)
  })

  it("whatever it says, gives a part that lies within the file and is not empty", () => {
    const number = fc.option(fc.nat(3000), { nil: "" as const })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(number, number).map(([a, b]) => `bytes=${a}-${b}`)
        ),
        fc.nat(2000),
        (header, sizeBytes) => {
          const answer = parseRange(header, sizeBytes)
          if (answer._tag !== "Part") return
          expect(answer.start).toBeGreaterThanOrEqual(0)
          expect(answer.start).toBeLessThanOrEqual(answer.end)
          expect(answer.end).toBeLessThan(sizeBytes)
        }
      )
    )
  })
})
