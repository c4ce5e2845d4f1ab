import { describe, expect, it } from "@effect/vitest"
import { Cause, Clock, Effect, ErrorReporter, Exit, Layer, Logger, Redacted, Schedule, Scope } from "effect"
import { parseSentryDsn } from "../../../src/domain/SentryDsn.ts"
import { RequestId } from "../../../src/domain/Origin.ts"
import { errorTrackerLayer } from "../../../src/operations/errorTracker/errorTracker.ts"
import { OutboundHttp } from "../../../src/providers/outbound/OutboundHttp.ts"
import { type TestTracker, testTracker } from "../../support/errorTracker.ts"

/** What runs on top of a tracker can report to it. */
const reporting = Effect.fnUntraced(function* (tracker: TestTracker, timeoutMs = 300) {
  const dsn = parseSentryDsn(tracker.dsn)
  if (dsn === undefined) return yield* Effect.die(new Error("no address"))
  const logs: Array<string> = []
  const layer = errorTrackerLayer({ dsn: Redacted.make(dsn), timeoutMs, release: "playhead@1.2.3", environment: "test", serverName: "here", root: process.cwd() }).pipe(
    Layer.provide(OutboundHttp.layer({ allowedSources: [{ host: dsn.host, port: dsn.port }] })),
    Layer.provideMerge(Logger.layer([Logger.map(Logger.formatJson, (line) => { logs.push(line) })]))
  )
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const context = yield* Layer.buildWithScope(layer, scope)
  return {
    logs,
    stop: Scope.close(scope, Exit.void),
    report: (error: unknown) => ErrorReporter.report(Cause.die(error)).pipe(Effect.provideContext(context))
  }
})

const until = (holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.filterOrFail((now) => now, () => new Error("not yet")),
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))),
    Effect.orDie
  )

/** Timers run as ever, and the time of day stands still: no minute turns meanwhile. */
const inOneMinute = (clock: Clock.Clock): Clock.Clock => {
  const now = clock.currentTimeMillisUnsafe()
  return Object.assign(Object.create(clock) as Clock.Clock, { currentTimeMillisUnsafe: () => now, currentTimeMillis: Effect.succeed(now) })
}

describe("the error tracker", () => {
  it.live("is told of an incident with all that is known of it", () => Effect.gen(function* () {
    const tracker = yield* testTracker
    const { report } = yield* reporting(tracker)
    const before = Date.now() / 1000
    yield* report(new TypeError("nobody thought of that", { cause: new Error("the root of it") })).pipe(
      Effect.annotateLogs({ incidentId: "i-1", jobId: "j-1", stage: "DOWNLOAD", kind: "IMPORT", attempt: 2, colour: "blue" }),
      Effect.provideService(RequestId, "r-1"),
      Effect.withSpan("Stage DOWNLOAD")
    )
    yield* until(() => tracker.events.length === 1)
    const [event] = tracker.events
    expect(event).toMatchObject({
      platform: "node", level: "error", release: "playhead@1.2.3", environment: "test", server_name: "here",
      tags: { incidentId: "i-1", jobId: "j-1", stage: "DOWNLOAD", kind: "IMPORT", attempt: "2", requestId: "r-1" },
      extra: { colour: "blue" },
      contexts: { trace: { trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), span_id: expect.stringMatching(/^[0-9a-f]{16}$/) } }
    })
    expect(event?.timestamp).toBeGreaterThan(before - 1)
    expect(event?.exception.values.map(({ type, value }) => [type, value])).toEqual([["Error", "the root of it"], ["TypeError", "nobody thought of that"]])
    const frame = event?.exception.values[1]?.stacktrace?.frames.at(-1)
    expect(frame).toMatchObject({ filename: "tests/integration/operations/errorTracker.test.ts", in_app: true })
  }))

  it.live("is told of an error once, and of an interruption never", () => Effect.gen(function* () {
    const tracker = yield* testTracker
    const { report } = yield* reporting(tracker)
    const error = new Error("once")
    yield* report(error)
    yield* report(error)
    yield* ErrorReporter.report(Cause.interrupt(1))
    yield* report(new Error("another"))
    yield* until(() => tracker.events.length === 2)
    expect(tracker.events.map((event) => event.exception.values[0]?.value)).toEqual(["once", "another"])
  }))

  it.live.each([
    { does: "answers 500", misbehave: ((_request, response) => response.writeHead(500).end()) satisfies TestTracker["misbehave"] },
    { does: "breaks the connection off", misbehave: ((request) => request.socket.resetAndDestroy()) satisfies TestTracker["misbehave"] },
    { does: "never answers", misbehave: (() => {}) satisfies TestTracker["misbehave"] },
    { does: "does not speak HTTP", misbehave: ((request) => request.socket.end("nonsense")) satisfies TestTracker["misbehave"] }
  ])("is asked again when it $does, and whoever reports does not wait", ({ misbehave }) => Effect.gen(function* () {
    const tracker = yield* testTracker
    tracker.misbehave = misbehave
    const { logs, report } = yield* reporting(tracker)
    const begun = performance.now()
    yield* report(new Error("to be told"))
    expect(performance.now() - begun).toBeLessThan(100)
    yield* until(() => tracker.requests.length === 1)
    tracker.misbehave = undefined
    yield* until(() => tracker.events.length === 1)
    expect(tracker.requests[1]?.body).toContain(tracker.events[0]?.event_id)
    expect(logs).toEqual([])
  }))

  it.live("is given up on after three attempts, with one line in the log, and another when it is back", () => Effect.gen(function* () {
    const tracker = yield* testTracker
    tracker.misbehave = (_request, response) => response.writeHead(503).end()
    const { logs, report } = yield* reporting(tracker)
    yield* report(new Error("lost"))
    yield* until(() => logs.length === 1)
    expect(tracker.requests).toHaveLength(3)
    expect(logs[0]).toContain("does not take reports")
    expect(logs[0]).not.toContain("public")
    tracker.misbehave = (_request, response) => response.writeHead(403).end()
    yield* report(new Error("refused"))
    yield* until(() => tracker.requests.length === 4)
    tracker.misbehave = undefined
    yield* report(new Error("heard"))
    yield* until(() => logs.length === 2)
    expect(logs[1]).toContain("takes reports again")
    expect(tracker.events.map((event) => event.exception.values[0]?.value)).toEqual(["heard"])
  }), 30_000)

  it.live.each([
    { with: "429 and Retry-After", status: 429, headers: { "retry-after": "3600" } },
    { with: "200 and a limit for errors", status: 200, headers: { "x-sentry-rate-limits": "3600:default;error:organization" } }
  ])("is left alone for as long as it asks, with $with", ({ headers, status }) => Effect.gen(function* () {
    const tracker = yield* testTracker
    tracker.misbehave = (_request, response) => response.writeHead(status, headers).end()
    const { report } = yield* reporting(tracker)
    yield* report(new Error("first"))
    yield* until(() => tracker.requests.length === 1)
    yield* Effect.sleep("100 millis")
    for (let n = 0; n < 5; n++) yield* report(new Error(`no. ${n}`))
    yield* Effect.sleep("400 millis")
    expect(tracker.requests).toHaveLength(1)
  }))

  it.live("is told of sixty a minute, however many there are, and the rest costs nothing", () => Effect.gen(function* () {
    const tracker = yield* testTracker
    const { report } = yield* reporting(tracker, 10_000)
    for (let n = 0; n < 10_000; n++) yield* report(new Error(`no. ${n}`))
    yield* until(() => tracker.events.length >= 60)
    yield* Effect.sleep("300 millis")
    expect(tracker.events).toHaveLength(60)
  }).pipe(Effect.updateService(Clock.Clock, inOneMinute)), 60_000)

  it.live("is told at the end of the process what was reported last, and holds it up for two seconds at most", () => Effect.gen(function* () {
    const tracker = yield* testTracker
    const { report, stop } = yield* reporting(tracker)
    for (let n = 0; n < 5; n++) yield* report(new Error(`no. ${n}`))
    yield* stop
    expect(tracker.events).toHaveLength(5)
    const silent = yield* testTracker
    silent.misbehave = () => {}
    const other = yield* reporting(silent)
    for (let n = 0; n < 50; n++) yield* other.report(new Error(`no. ${n}`))
    const begun = performance.now()
    yield* other.stop
    expect(performance.now() - begun).toBeLessThan(4_000)
  }))
})
