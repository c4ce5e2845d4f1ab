import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Redacted } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { ProviderError, SourceUnreachableError, UnsupportedMediaError } from "../../src/domain/errors.ts"
import { layer } from "../../src/logging.ts"

const now = Date.UTC(2026, 10, 21, 9, 30)

const printed = (program: Effect.Effect<unknown>, settings: Parameters<typeof layer>[0]) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(now)
    yield* program.pipe(Effect.provide(layer(settings)))
    return (yield* TestConsole.logLines).map(String)
  })
const json = (program: Effect.Effect<unknown>) =>
  printed(program, { format: "json", level: "Trace" }).pipe(Effect.map((lines) => lines.map((line) => JSON.parse(line))))

const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED", port: 9 })
const unreachable = new SourceUnreachableError({ message: "The source did not answer.", url: "http://me:topsecret@music.example/a.mp3?token=topsecret&part=2", httpStatus: null, cause: refused })

describe("A log line in JSON", () => {
  it.effect("has the time, the level, the message and what the fiber is annotated with", () =>
    Effect.gen(function*() {
      const lines = yield* json(Effect.log("Stored", 3, "files\nin all").pipe(Effect.annotateLogs({ jobId: "j1", trackId: "t1", requestId: "r1" })))
      expect(lines).toEqual([{ time: "2026-11-21T09:30:00.000Z", level: "info", message: "Stored 3 files\nin all", jobId: "j1", trackId: "t1", requestId: "r1" }])
    }))

  it.effect("is one line whatever is in it", () =>
    Effect.gen(function*() {
      const lines = yield* printed(Effect.logError("a\nb", new Error("c\nd")), { format: "json", level: "Info" })
      expect(lines).toHaveLength(1)
      expect(lines[0]).not.toContain("\n")
    }))

  it.effect("shows an expected error in the one shape: code, tag, message, retryable, its fields, its cause", () =>
    Effect.gen(function*() {
      const [line] = yield* json(Effect.logError("The import failed", Cause.fail(unreachable)))
      expect(line).toEqual({
        time: "2026-11-21T09:30:00.000Z",
        level: "error",
        message: "The import failed",
        error: {
          code: "SOURCE_UNREACHABLE",
          tag: "SourceUnreachableError",
          message: "The source did not answer.",
          retryable: true,
          url: "http://me:***@music.example/a.mp3?token=***&part=2",
          httpStatus: null,
          cause: { tag: "Error", code: "ECONNREFUSED", message: "connect ECONNREFUSED 127.0.0.1:9", port: 9 }
        }
      })
    }))

  it.effect("shows that shape for an error that is logged by itself, and lists keep their entries", () =>
    Effect.gen(function*() {
      const [line] = yield* json(Effect.logWarning(new UnsupportedMediaError({ message: "A text.", detected: "text/plain", supported: ["FLAC", "MP3"] })))
      expect(line).toMatchObject({ level: "warn", message: "A text.", error: { tag: "UnsupportedMediaError", code: "UNSUPPORTED_MEDIA", retryable: false, supported: ["FLAC", "MP3"] } })
    }))

  it.effect("shows where a bug was thrown, and what came with it", () =>
    Effect.gen(function*() {
      const cause = Cause.combine(Cause.die(new TypeError("undefined is not a function")), Cause.fail(new ProviderError({ message: "Busy.", provider: "stt", reason: "RATE_LIMITED" })))
      const [line] = yield* json(Effect.logError("Unforeseen", cause))
      expect(line.error).toMatchObject({ tag: "TypeError", message: "undefined is not a function" })
      expect(line.error.stack).toContain("logging.test.ts")
      expect(line.otherErrors).toMatchObject([{ tag: "ProviderError", code: "PROVIDER_FAILED", retryable: true, provider: "stt" }])
    }))

  it.effect("survives anything that can be thrown", () =>
    Effect.gen(function*() {
      const circular: Error & { cause?: unknown } = new Error("round")
      circular.cause = circular
      const odd: ReadonlyArray<unknown> = ["text", null, undefined, 1n, Symbol("s"), circular, { a: 1 }, new AggregateError([refused], "all of them")]
      const lines = yield* json(Effect.forEach(odd, (value) => Effect.logError("odd", Cause.die(value))))
      expect(lines).toHaveLength(odd.length)
      expect(lines.at(-1).error.errors).toMatchObject([{ code: "ECONNREFUSED" }])
    }))

  it.effect("says that work was interrupted", () =>
    Effect.gen(function*() {
      expect(yield* json(Effect.logInfo("Stopped", Cause.interrupt(1)))).toMatchObject([{ message: "Stopped", interrupted: true }])
    }))

  it.effect("has the milliseconds of open spans", () =>
    Effect.gen(function*() {
      const timed = Effect.andThen(TestClock.adjust("1.5 seconds"), Effect.log("Decoded")).pipe(Effect.withLogSpan("decode"))
      expect(yield* json(timed)).toMatchObject([{ message: "Decoded", spans: { decode: 1_500 } }])
    }))
})

describe("Secrets", () => {
  const secrets = Effect.logError("Calling http://me:topsecret@host/?api_key=topsecret with Bearer topsecret-topsecret", {
    key: Redacted.make("topsecret"),
    headers: { authorization: "topsecret", accept: "text/html" },
    nested: [{ clientSecret: "topsecret" }]
  }, Object.assign(new Error("Bearer topsecret-topsecret"), { apiKey: "topsecret" })).pipe(Effect.annotateLogs({ accessToken: "topsecret", url: "https://x.example/?X-Amz-Signature=topsecret" }))

  it.effect.each(["json", "pretty"] as const)("never reach a log line (%s)", (format) =>
    Effect.gen(function*() {
      const lines = yield* printed(secrets, { format, level: "Info" })
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain("text/html")
      expect(lines[0]).not.toContain("topsecret")
    }))

  it.effect("are all that is taken away", () =>
    Effect.gen(function*() {
      const [line] = yield* json(Effect.log("See https://host.example/a?page=2 at 10:30@noon", { tokens: null, tokenless: 1 }))
      expect(line).toMatchObject({ message: "See https://host.example/a?page=2 at 10:30@noon", data: { tokens: null } })
    }))

  it.effect("and a title of a megabyte is cut", () =>
    Effect.gen(function*() {
      const lines = yield* printed(Effect.log("Title", { title: "a".repeat(1_000_000) }), { format: "json", level: "Info" })
      expect(lines[0]?.length).toBeLessThan(9_000)
    }))
})

describe("The log level", () => {
  it.effect("decides what is printed", () =>
    Effect.gen(function*() {
      const program = Effect.all([Effect.logDebug("d"), Effect.logInfo("i"), Effect.logWarning("w"), Effect.logError("e")])
      const lines = yield* printed(program, { format: "json", level: "Warn" })
      expect(lines.map((line) => JSON.parse(line).message)).toEqual(["w", "e"])
    }))
})

describe("A log line for people", () => {
  it.effect("starts with the time of day and ends with what else is known", () =>
    Effect.gen(function*() {
      const program = Effect.logError("The import failed", Cause.fail(unreachable)).pipe(Effect.annotateLogs({ jobId: "j1", title: "two words" }))
      expect(yield* printed(program, { format: "pretty", level: "Info" })).toEqual([
        [
          '09:30:00.000 ERROR The import failed jobId=j1 title="two words"',
          '  SourceUnreachableError [SOURCE_UNREACHABLE]: The source did not answer. retryable=true url="http://me:***@music.example/a.mp3?token=***&part=2" httpStatus=null',
          "    caused by Error [ECONNREFUSED]: connect ECONNREFUSED 127.0.0.1:9 port=9"
        ].join("\n")
      ])
    }))
})
