import { describe, expect, it } from "vitest"
import { notModified, rangeApplies } from "../../../../src/http/media/conditional.ts"

const validators = { etag: '"abc"', lastModified: "Tue, 01 Jan 2030 00:00:00 GMT" }
const earlier = "Mon, 31 Dec 2029 23:59:59 GMT"
const later = "Tue, 01 Jan 2030 00:00:01 GMT"

describe("a client that has a representation", () => {
  it.each(['"abc"', 'W/"abc"', '"x", "abc"', '"x",W/"abc" , "y"', "*"])(
    "with the tag %s is told that it is still the same",
    (held) => {
      expect(notModified({ "if-none-match": held }, validators)).toBe(true)
    }
  )

  it.each(['"x"', "abc", '"ab"', ""])("with the tag %s is sent the file, whatever date it has", (held) => {
    expect(notModified({ "if-none-match": held, "if-modified-since": later }, validators)).toBe(false)
  })

  it("is judged by its date when it has no tag", () => {
    expect(notModified({ "if-modified-since": validators.lastModified }, validators)).toBe(true)
    expect(notModified({ "if-modified-since": later }, validators)).toBe(true)
    expect(notModified({ "if-modified-since": earlier }, validators)).toBe(false)
    expect(notModified({ "if-modified-since": "yesterday" }, validators)).toBe(false)
    expect(notModified({}, validators)).toBe(false)
  })
})

describe("a range", () => {
  it.each([undefined, '"abc"', validators.lastModified])("counts when the condition is %s", (condition) => {
    expect(rangeApplies(condition === undefined ? {} : { "if-range": condition }, validators)).toBe(true)
  })

  it.each(['W/"abc"', '"x"', earlier, later, ""])("does not count when the condition is %s", (condition) => {
    expect(rangeApplies({ "if-range": condition }, validators)).toBe(false)
  })
})
