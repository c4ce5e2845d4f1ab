import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { editDistance } from "../../../../src/persistence/reads/editDistance.ts"

describe("how far a word is from another", () => {
  it.each([
    ["beatles", "beatles", 0],
    ["beatels", "beatles", 1],
    ["beetles", "beatles", 1],
    ["quen", "queen", 1],
    ["hendricks", "hendrix", 3],
    ["кени", "кино", 2],
    ["", "abc", 3],
    ["🎸rock", "rock", 1]
  ])("%s and %s differ in %i", (one, other, edits) => {
    expect(editDistance(one, other)).toBe(edits)
  })

  it("is the same in both directions, and never more than the longer word", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c", "é"), maxLength: 8 })
    fc.assert(fc.property(word, word, (one, other) => {
      const edits = editDistance(one, other)
      expect(edits).toBe(editDistance(other, one))
      expect(edits).toBeLessThanOrEqual(Math.max(one.length, other.length))
      expect(edits === 0).toBe(one === other)
    }))
  })
})
