import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { globalId, idOf, parseGlobalId } from "../../../src/graphql/ids.ts"

const types = ["Track", "Artifact", "Job"] as const

describe("a global id", () => {
  it("leads back to its thing, and to no thing of another type", () => {
    fc.assert(fc.property(fc.constantFrom(...types), fc.constantFrom(...types), fc.uuid(), (type, other, uuid) => {
      const id = globalId(type, uuid)
      expect(parseGlobalId(id)).toEqual({ type, id: uuid })
      expect(idOf(other, id)).toBe(type === other ? uuid : undefined)
    }))
  })

  it("fits into an address", () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => { expect(globalId("Track", uuid)).toMatch(/^[\w-]+$/) }))
  })

  it("is never found in rubbish", () => {
    fc.assert(fc.property(fc.string(), (text) => { expect(idOf("Track", text)).toBeUndefined() }))
  })
})
