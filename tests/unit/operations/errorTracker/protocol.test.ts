import { describe, expect, it } from "vitest"
import { parseSentryDsn } from "../../../../src/domain/SentryDsn.ts"
import { eventOf } from "../../../../src/operations/errorTracker/event.ts"
import { pauseMs } from "../../../../src/operations/errorTracker/rateLimits.ts"
import { stackFrames } from "../../../../src/operations/errorTracker/stackFrames.ts"

describe("the address of an error tracker", () => {
  it.each([
    ["https://key@o1.ingest.sentry.io/42", { url: "https://o1.ingest.sentry.io/api/42/envelope/", host: "o1.ingest.sentry.io", port: 443, publicKey: "key" }],
    ["http://key:old-secret@sentry.local:9000/some/where/7", { url: "http://sentry.local:9000/some/where/api/7/envelope/", host: "sentry.local", port: 9000, publicKey: "key" }],
    ["http://key@[::1]:9000/7/", { url: "http://[::1]:9000/api/7/envelope/", host: "::1", port: 9000, publicKey: "key" }]
  ])("%s says where envelopes go", (text, dsn) => expect(parseSentryDsn(text)).toEqual(dsn))

  it.each(["", "sentry", "https://sentry.io/42", "https://key@sentry.io/", "ftp://key@sentry.io/42"])("is not %j", (text) =>
    expect(parseSentryDsn(text)).toBeUndefined())
})

describe("a pause that an answer asks for", () => {
  const asked = (limits: string) => pauseMs(200, { "x-sentry-rate-limits": limits }, 0)
  it("is the longest of those that concern errors", () => {
    expect(asked("60:transaction:key, 2700:default;error;security:organization")).toBe(2_700_000)
    expect(asked("60::organization")).toBe(60_000)
    expect(asked("60:transaction:key")).toBe(0)
    expect(asked("nonsense, 5:error")).toBe(5_000)
    expect(asked("99999999999:error")).toBe(24 * 3_600_000)
    expect(asked("-5:error")).toBe(0)
  })
  it("is Retry-After with 429, or a minute", () => {
    expect(pauseMs(429, { "retry-after": "7" }, 0)).toBe(7_000)
    expect(pauseMs(429, { "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" }, 10_000)).toBe(20_000)
    expect(pauseMs(429, {}, 0)).toBe(60_000)
    expect(pauseMs(500, { "retry-after": "7" }, 0)).toBe(0)
  })
})

describe("a stack trace", () => {
  it("becomes frames, the outermost first, with our own code told apart", () => {
    const stack = [
      "Error: with a message that has",
      "  at two lines",
      "    at inner (/app/src/jobs/Runner.ts:12:34)",
      "    at async Object.outer (file:///app/src/App.ts:5:6)",
      "    at /app/node_modules/effect/dist/x.js:1:2",
      "    at process.processTicksAndRejections (node:internal/process/task_queues:103:5)",
      "    at <anonymous>"
    ].join("\n")
    expect(stackFrames(stack, "/app")).toEqual([
      { function: "process.processTicksAndRejections", filename: "node:internal/process/task_queues", lineno: 103, colno: 5, in_app: false },
      { function: "<anonymous>", filename: "node_modules/effect/dist/x.js", lineno: 1, colno: 2, in_app: false },
      { function: "Object.outer", filename: "src/App.ts", lineno: 5, colno: 6, in_app: true },
      { function: "inner", filename: "src/jobs/Runner.ts", lineno: 12, colno: 34, in_app: true }
    ])
  })
})

describe("an event", () => {
  const release = { release: "playhead@1.2.3", environment: "test", serverName: "host", root: "/app" }
  const eventWith = (error: Error, annotations: Readonly<Record<string, unknown>> = {}) =>
    eventOf({ eventId: "0".repeat(32), at: new Date(1_500), error, annotations, requestId: undefined, span: undefined }, release) as { readonly exception: { readonly values: ReadonlyArray<{ readonly type: string; readonly value: string }> }; readonly tags: object; readonly extra: object }

  it("tells the chain of causes, the first cause first, and not without end", () => {
    const causes = Array.from({ length: 9 }).reduce<Error>((cause, _, n) => new Error(`level ${n}`, { cause }), new TypeError("the first"))
    expect(eventWith(new RangeError("the last", { cause: new TypeError("the first") })).exception.values.map(({ type, value }) => [type, value])).toEqual([["TypeError", "the first"], ["RangeError", "the last"]])
    expect(eventWith(causes).exception.values).toHaveLength(5)
  })

  it("has no secret in any part", () => {
    const event = eventWith(new Error("connect postgres://me:hunter2@db failed, Authorization: Bearer abcdefghijkl, whsec_c2VjcmV0c2VjcmV0", { cause: new Error("GET https://x.test/?api_key=hunter2") }), {
      stage: "https://me:hunter2@x.test/", apiKey: "hunter2", nested: { password: "hunter2" }
    })
    expect(JSON.stringify(event)).not.toMatch(/hunter2|abcdefghijkl|c2VjcmV0/)
    expect(event.tags).toEqual({ stage: "https://me:***@x.test/" })
    expect(event.extra).toEqual({ apiKey: "<redacted>", nested: { password: "<redacted>" } })
  })
})
