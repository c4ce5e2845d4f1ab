import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { SourceUnreachableError, UnsupportedMediaError } from "../../../src/domain/errors.ts"
import { engines, testDatabase } from "../../support/database.ts"
import { makeGate, scriptedKind } from "../../support/jobEngine.ts"
import { useEngine } from "../../support/useEngine.ts"

const unreachable = (retryAfterMs: number | null = null) =>
  new SourceUnreachableError({ message: "The other side is out of order.", url: "http://example.org/", httpStatus: 503, retryAfterMs })
const refused = new UnsupportedMediaError({ message: "That is no audio.", detected: "text/plain", supported: ["audio/flac"] })

const gapless = (events: ReadonlyArray<{ sequence: number }>) => events.every((event, index) => event.sequence === index + 1)

describe.each(engines)("jobs on %s", (engineName) => {
  const gates = new Map<string, Effect.Effect<void>>()
  let brokenUntilAttempt = 0
  const cleaned: Array<string> = []
  const kind = scriptedKind((name, stage) => {
    if (name.startsWith("gated") && stage === "FETCH_RESULT") {
      return () => Effect.ensuring(gates.get(name) ?? Effect.void, Effect.sync(() => { cleaned.push(name) }))
    }
    if (name.startsWith("refused") && stage === "FETCH_RESULT") return () => Effect.fail(refused)
    if (name === "flaky" && stage === "FETCH_RESULT") return (_run, attempt) => attempt < 3 ? Effect.fail(unreachable()) : Effect.void
    if (name === "broken" && stage === "FETCH_RESULT") return () => brokenUntilAttempt > 0 ? Effect.fail(refused) : Effect.void
    if (name === "asked to wait" && stage === "REQUEST") return () => Effect.fail(unreachable(60_000))
    if (name === "bug" && stage === "REQUEST") return () => Effect.die(new Error("nobody thought of that"))
    return undefined
  })
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition] })
  const gated = (name: string) => Effect.tap(makeGate, (gate) => Effect.sync(() => gates.set(name, gate.pass)))

  it.live("run their stages in order and tell it without a gap", () => Effect.gen(function*() {
    const id = yield* engine().submit("plain")
    yield* engine().untilStatus(id, "SUCCEEDED")
    const events = yield* engine().events(id)
    expect(events.map((event) => [event.kind, event.stage])).toEqual([
      ["JobQueuedEvent", null], ["JobStartedEvent", null],
      ["StageStartedEvent", "REQUEST"], ["StageSucceededEvent", "REQUEST"],
      ["StageStartedEvent", "FETCH_RESULT"], ["StageSucceededEvent", "FETCH_RESULT"],
      ["StageStartedEvent", "FINALIZE"], ["StageSucceededEvent", "FINALIZE"],
      ["JobSucceededEvent", null]
    ])
    expect(gapless(events)).toBe(true)
    expect(kind.finished).toContain("plain SUCCEEDED")
  }))

  it.live("are cancelled at once while they wait, and leave no entry", () => Effect.gen(function*() {
    const id = yield* engine().submit("asked to wait")
    yield* engine().untilStatus(id, "WAITING")
    yield* engine().jobs.cancel(id)
    expect(yield* engine().statusOf(id)).toBe("CANCELLED")
    expect((yield* engine().events(id)).at(-1)?.kind).toBe("JobCancelledEvent")
    expect((yield* engine().stages(id)).map((stage) => stage.status)).toEqual(["CANCELLED", "CANCELLED", "CANCELLED"])
    expect(yield* engine().sql("select 1 from pgboss.job where singleton_key = $1", [id])).toEqual([])
    expect(kind.finished).toContain("asked to wait CANCELLED")
    yield* engine().jobs.cancel(id)
    expect(gapless(yield* engine().events(id))).toBe(true)
  }))

  it.live("are CANCELLING until their stage has stopped, then CANCELLED, within a second", () => Effect.gen(function*() {
    const gate = yield* gated("gated cancel")
    const id = yield* engine().submit("gated cancel")
    yield* engine().until(gate.come, (come) => come === 1)
    const begun = performance.now()
    yield* engine().jobs.cancel(id)
    expect(["CANCELLING", "CANCELLED"]).toContain(yield* engine().statusOf(id))
    yield* engine().untilStatus(id, "CANCELLED")
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(cleaned).toContain("gated cancel")
    expect((yield* engine().stages(id)).map((stage) => stage.status)).toEqual(["SUCCEEDED", "CANCELLED", "CANCELLED"])
    const again = yield* Effect.flip(engine().jobs.cancel(yield* finished("done")))
    expect(again).toMatchObject({ _tag: "ConflictError", jobStatus: "SUCCEEDED" })
  }))

  const finished = (name: string) => Effect.gen(function*() {
    const id = yield* engine().submit(name)
    yield* engine().untilStatus(id, "SUCCEEDED")
    return id
  })

  it.live("are not there when their id is of no job", () => Effect.gen(function*() {
    const id = "00000000-0000-7000-8000-000000000000"
    expect(yield* Effect.flip(engine().jobs.cancel(id))).toMatchObject({ _tag: "NotFoundError", id })
    expect(yield* Effect.flip(engine().jobs.retry(id, null))).toMatchObject({ _tag: "NotFoundError", id })
    expect(yield* Effect.flip(engine().jobs.prioritize(id, "HIGH"))).toMatchObject({ _tag: "NotFoundError", id })
  }))

  it.live("try a stage again after a delay when its failure may pass, and show it", () => Effect.gen(function*() {
    const id = yield* engine().submit("flaky")
    yield* engine().untilStatus(id, "WAITING")
    yield* engine().untilStatus(id, "SUCCEEDED")
    const kinds = (yield* engine().events(id)).map((event) => event.kind)
    expect(kinds.filter((each) => each === "StageRetryingEvent")).toHaveLength(2)
    expect(kinds.filter((each) => each === "JobWaitingEvent")).toHaveLength(2)
    expect(kinds.filter((each) => each === "JobStartedEvent")).toHaveLength(3)
    expect((yield* engine().stages(id))[1]).toMatchObject({ status: "SUCCEEDED", attempt: 3, failures: 2, losses: 0 })
    expect(kind.runs.filter((run) => run === "flaky/REQUEST")).toHaveLength(1)
  }))

  it.live("wait as long as they are asked to", () => Effect.gen(function*() {
    const id = yield* engine().submit("asked to wait")
    yield* engine().untilStatus(id, "WAITING")
    const [row] = yield* engine().sql<{ seconds: number }>("select extract(epoch from resume_at - updated_at)::float8 as seconds from job where id = $1", [id])
    expect(row?.seconds).toBeGreaterThan(59)
    yield* engine().jobs.cancel(id)
  }))

  it.live("fail at once when trying again is no use", () => Effect.gen(function*() {
    const id = yield* engine().submit("refused")
    yield* engine().untilStatus(id, "FAILED")
    const last = (yield* engine().events(id)).at(-1)
    expect(last).toMatchObject({ kind: "JobFailedEvent", data: { failure: { _tag: "UnsupportedMediaError", message: "That is no audio." } } })
    expect((yield* engine().stages(id)).map((stage) => stage.status)).toEqual(["SUCCEEDED", "FAILED", "SKIPPED"])
  }))

  it.live("fail with an incident when a stage has a bug, and are not tried again and again", () => Effect.gen(function*() {
    const id = yield* engine().submit("bug")
    yield* engine().untilStatus(id, "FAILED")
    const last = (yield* engine().events(id)).at(-1)
    expect(last?.data.failure?._tag).toBe("InternalError")
    expect(last?.data.failure?.message).not.toContain("nobody thought of that")
    expect(kind.runs.filter((run) => run === "bug/REQUEST")).toHaveLength(1)
  }))

  it.live("are retried as a new job from the failed stage, with finished stages reused", () => Effect.gen(function*() {
    brokenUntilAttempt = 1
    const first = yield* engine().submit("broken", { priority: "HIGH" })
    yield* engine().untilStatus(first, "FAILED")
    brokenUntilAttempt = 0
    const { jobId: second, replayed } = yield* engine().jobs.retry(first, null)
    expect(replayed).toBe(false)
    yield* engine().untilStatus(second, "SUCCEEDED")
    expect((yield* engine().stages(second)).map((stage) => stage.status)).toEqual(["REUSED", "SUCCEEDED", "SUCCEEDED"])
    expect(kind.runs.filter((run) => run === "broken/REQUEST")).toHaveLength(1)
    const events = yield* engine().events(second)
    expect(gapless(events)).toBe(true)
    expect(events.slice(0, 4).map((event) => [event.kind, event.stage, event.data.reused])).toEqual([
      ["JobQueuedEvent", null, undefined], ["JobStartedEvent", null, undefined],
      ["StageSucceededEvent", "REQUEST", true], ["StageStartedEvent", "FETCH_RESULT", undefined]
    ])
    const [row] = yield* engine().sql<{ retry_of: string; priority: number; options: unknown }>("select retry_of, priority, options from job where id = $1", [second])
    expect(row).toEqual({ retry_of: first, priority: 2, options: { name: "broken" } })

    expect(yield* Effect.flip(engine().jobs.retry(first, null))).toMatchObject({ _tag: "ConflictError", jobStatus: "SUCCEEDED" })
    expect(yield* Effect.flip(engine().jobs.retry(second, null))).toMatchObject({ _tag: "ConflictError", jobStatus: "SUCCEEDED" })
  }))

  it.live("are retried from an earlier stage that is named, and from no later one", () => Effect.gen(function*() {
    const first = yield* engine().submit("refused again")
    yield* engine().untilStatus(first, "FAILED")
    expect(yield* Effect.flip(engine().jobs.retry(first, "FINALIZE"))).toMatchObject({ _tag: "ConflictError", message: expect.stringContaining("FETCH_RESULT") })
    expect(yield* Effect.flip(engine().jobs.retry(first, "ANALYZE"))).toMatchObject({ _tag: "ConflictError", message: expect.stringContaining("REQUEST, FETCH_RESULT, FINALIZE") })
    const { jobId } = yield* engine().jobs.retry(first, "REQUEST")
    yield* engine().untilStatus(jobId, "FAILED")
    expect(kind.runs.filter((run) => run === "refused again/REQUEST")).toHaveLength(2)
  }))

  it.live("are retried once, however often and however fast that is asked for", () => Effect.gen(function*() {
    const gate = yield* gated("gated retry")
    const first = yield* engine().submit("gated retry")
    yield* engine().until(gate.come, (come) => come === 1)
    expect(yield* Effect.flip(engine().jobs.retry(first, null))).toMatchObject({ _tag: "ConflictError", jobStatus: "RUNNING" })
    yield* engine().jobs.cancel(first)
    yield* engine().untilStatus(first, "CANCELLED")
    const answers = yield* Effect.all(Array.from({ length: 10 }, () => engine().jobs.retry(first, null)), { concurrency: "unbounded" })
    expect(new Set(answers.map((answer) => answer.jobId)).size).toBe(1)
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1)
    const second = answers[0]?.jobId ?? ""
    expect(yield* Effect.flip(engine().jobs.retry(first, "REQUEST"))).toMatchObject({ _tag: "IdempotencyConflictError", jobId: second })
    yield* gate.open
    yield* engine().untilStatus(second, "SUCCEEDED")
  }))

  it.live("begin in the order of their priority, which can be changed while they wait", () => Effect.gen(function*() {
    const names = ["gated slot 1", "gated slot 2"]
    const opened = yield* Effect.forEach(names, gated)
    const holders = yield* Effect.forEach(names, (name) => engine().submit(name))
    yield* Effect.forEach(opened, (gate) => engine().until(gate.come, (come) => come === 1))
    const order = ["low", "normal 1", "normal 2", "high", "late but prioritised"]
    const [low, , , , late] = yield* Effect.forEach(order, (name) =>
      engine().submit(name, { priority: name === "low" ? "LOW" : name === "high" ? "HIGH" : "NORMAL" }))
    yield* engine().jobs.prioritize(late ?? "", "HIGH")
    const from = kind.runs.length
    const [first, other] = opened
    // One slot, so that they go one after the other.
    yield* first?.open ?? Effect.void
    yield* engine().untilStatus(low ?? "", "SUCCEEDED")
    const begun = kind.runs.slice(from).filter((run) => run.endsWith("/REQUEST")).map((run) => run.split("/")[0])
    expect(begun).toEqual(["high", "late but prioritised", "normal 1", "normal 2", "low"])
    yield* other?.open ?? Effect.void
    yield* Effect.forEach(holders, (id) => engine().untilStatus(id, "SUCCEEDED"))
  }))

  it.live("make room between two stages for one of a higher priority, and then go on", () => Effect.gen(function*() {
    const names = ["gated room 1", "gated room 2"]
    const opened = yield* Effect.forEach(names, gated)
    const holders = yield* Effect.forEach(names, (name) => engine().submit(name))
    yield* Effect.forEach(opened, (gate) => engine().until(gate.come, (come) => come === 1))
    const high = yield* engine().submit("urgent", { priority: "HIGH" })
    const from = kind.runs.length
    yield* opened[0]?.open ?? Effect.void
    yield* engine().untilStatus(high, "SUCCEEDED")
    yield* engine().untilStatus(holders[0] ?? "", "SUCCEEDED")
    const runs = kind.runs.slice(from)
    expect(runs.indexOf("urgent/FINALIZE")).toBeLessThan(runs.indexOf("gated room 1/FINALIZE"))
    expect(runs.filter((run) => run === "gated room 1/FETCH_RESULT")).toHaveLength(0)
    expect(gapless(yield* engine().events(holders[0] ?? ""))).toBe(true)
    yield* opened[1]?.open ?? Effect.void
    yield* engine().untilStatus(holders[1] ?? "", "SUCCEEDED")
  }))

  it.live("cannot be cancelled in the moment that they end: one of the two wins", () => Effect.gen(function*() {
    for (let round = 0; round < 10; round++) {
      const id = yield* engine().submit(`race ${round}`)
      const cancelling = yield* Effect.forkChild(Effect.result(Effect.delay(engine().jobs.cancel(id), `${round * 3} millis`)))
      yield* engine().until(engine().statusOf(id), (status) => status === "SUCCEEDED" || status === "CANCELLED")
      const status = yield* engine().statusOf(id)
      const answer = yield* Fiber.join(cancelling)
      expect(answer._tag).toBe(status === "CANCELLED" ? "Success" : "Failure")
      const events = yield* engine().events(id)
      expect(gapless(events)).toBe(true)
      expect(events.filter((event) => ["JobSucceededEvent", "JobCancelledEvent"].includes(event.kind))).toHaveLength(1)
    }
  }))
})
