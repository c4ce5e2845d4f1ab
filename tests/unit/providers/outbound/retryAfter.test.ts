import { describe, expect, it } from "vitest"
import { retryAfterMs } from "../../../../src/providers/outbound/retryAfter.ts"

describe("a source that asks to wait", () => {
  const now = Date.parse("2030-01-01T00:00:00Z")
  it.each([
    ["30", 30_000],
    ["0", 0],
    ["Tue, 01 Jan 2030 00:01:00 GMT", 60_000],
    ["Mon, 31 Dec 2029 00:00:00 GMT", 0],
    ["99999999999", 86_400_000],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined]
  ])("with %s is given %s ms", (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected)
  })
})
