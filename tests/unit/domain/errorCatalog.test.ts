import { Arbitrary, Effect } from "effect"
import { describe, expect, it } from "vitest"
import { ErrorCode } from "../../../src/domain/ErrorCode.ts"
import { decodeFailure, encodeFailure, errorCatalog, Failure } from "../../../src/domain/errorCatalog.ts"
import * as errors from "../../../src/domain/errors.ts"

const classes = Object.entries(errors).filter(([, value]) => typeof value === "function" && value.prototype instanceof Error)
/** Refusals that are answered before any field runs; they have a code and no GraphQL type. */
const topLevelOnly = ["UNAUTHENTICATED", "FORBIDDEN"]

describe("the error catalog", () => {
  it("lists every error class that exists, and nothing else", () => {
    expect(Object.keys(errorCatalog).toSorted()).toEqual(classes.map(([name]) => name).toSorted())
  })

  it("gives every code to exactly one class", () => {
    const codes = Object.values(errorCatalog).map((entry) => entry.code)
    expect([...codes, ...topLevelOnly].toSorted()).toEqual([...ErrorCode.literals].toSorted())
  })

  const failures = Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(Failure), { count: 500, seed: "failures" }))

  it("says the same code as the class itself", () => {
    expect(new Set(failures.map((failure) => failure._tag)).size).toBe(Object.keys(errorCatalog).length)
    for (const failure of failures) expect(failure.code).toBe(errorCatalog[failure._tag].code)
  })

  it("brings every failure back from JSON as what it was", () => {
    for (const failure of failures) {
      const returned = decodeFailure(JSON.parse(JSON.stringify(encodeFailure(failure))))
      expect(returned).toBeInstanceOf(Error)
      expect(returned._tag).toBe(failure._tag)
      expect(returned.message).toBe(failure.message)
      expect(returned.retryable).toBe(failure.retryable)
      expect(encodeFailure(returned)).toEqual(encodeFailure(failure))
    }
  })

  it("keeps the message of a cause", () => {
    const failure = new errors.StorageError({ message: "The disk is full.", cause: new Error("ENOSPC: no space left on device") })
    const returned = decodeFailure(JSON.parse(JSON.stringify(encodeFailure(failure))))
    expect(String(returned.cause)).toContain("ENOSPC")
  })
})

describe("a source that cannot be reached", () => {
  const withStatus = (httpStatus?: number) => new errors.SourceUnreachableError({ message: "No.", url: "http://x/", ...(httpStatus === undefined ? {} : { httpStatus }) })
  it.each([undefined, 408, 425, 429, 500, 502, 503, 504])("is tried again after %s", (status) => expect(withStatus(status).retryable).toBe(true))
  it.each([400, 401, 403, 404, 410, 451])("is not tried again after %s", (status) => expect(withStatus(status).retryable).toBe(false))
})
