import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { estimateFinish } from "../../../src/jobs/estimate.ts"
import { shortenLogs } from "../../../src/jobs/shortenLogs.ts"
import { jobsById, queuePositions, stagesByJob, stageSpeeds } from "../../../src/persistence/reads/jobs.ts"
import { engines, testDatabase } from "../../support/database.ts"
import { makeGate, scriptedKind } from "../../support/jobEngine.ts"
import { useEngine } from "../../support/useEngine.ts"

const steps = 20
const stepMs = 100

describe.each(engines)("waiting jobs on %s", (engineName) => {
  const gates = new Map<string, Effect.Effect<void>>()
  let running = 0
  let mostRunning = 0
  const atMost = Effect.acquireUseRelease(
    Effect.sync(() => { mostRunning = Math.max(mostRunning, ++running) }),
    () => gates.get("limited") ?? Effect.void,
    () => Effect.sync(() => { running-- })
  )
  const ordinary = scriptedKind((name, stage) => {
    if (name.startsWith("gated") && stage === "REQUEST") return () => gates.get(name) ?? Effect.void
    if (name === "steady" && stage === "FETCH_RESULT") {
      return ({ reportProgress }) =>
        Effect.forEach(Array.from({ length: steps }, (_, step) => step), (step) =>
          Effect.andThen(Effect.sleep(stepMs), Effect.sync(() => { reportProgress((step + 1) / steps) })))
    }
    return undefined
  })
  const limited = scriptedKind((_name, stage) => stage === "REQUEST" ? () => atMost : undefined, "SEPARATE")
  const engine = useEngine({
    database: testDatabase(engineName),
    kinds: [ordinary.definition, limited.definition],
    concurrency: 4,
    kindConcurrency: new Map([["SEPARATE", 2]])
  })

  it.live("know how many go before them", () => Effect.gen(function*() {
    const names = ["gated 1", "gated 2", "gated 3", "gated 4"]
    const opened = yield* Effect.forEach(names, (name) => Effect.tap(makeGate, (gate) => Effect.sync(() => gates.set(name, gate.pass))))
    yield* Effect.forEach(names, (name) => engine().submit(name))
    yield* Effect.forEach(opened, (gate) => engine().until(gate.come, (come) => come === 1))
    const low = yield* engine().submit("low", { priority: "LOW" })
    const first = yield* engine().submit("first")
    const second = yield* engine().submit("second")
    const high = yield* engine().submit("high", { priority: "HIGH" })
    const positions = new Map((yield* queuePositions([low, first, second, high]).pipe(Effect.provide(engine().context))).map((row) => [row.id, row.position]))
    expect([high, first, second, low].map((id) => positions.get(id))).toEqual([0, 1, 2, 3])
    yield* Effect.forEach(opened, (gate) => gate.open)
    yield* engine().untilStatus(low, "SUCCEEDED")
  }))

  it.live("of a kind with a limit run no more than that at once, and hold up no others", () => Effect.gen(function*() {
    mostRunning = 0
    const gate = yield* makeGate
    gates.set("limited", gate.pass)
    const ids = yield* Effect.forEach(Array.from({ length: 12 }), (_, index) => engine().submit(`limited ${index}`, { kind: "SEPARATE" }))
    const other = yield* engine().submit("passes by", { priority: "LOW" })
    yield* engine().untilStatus(other, "SUCCEEDED")
    yield* engine().until(gate.come, (come) => come === 2)
    expect(limited.finished).toEqual([])
    yield* gate.open
    yield* Effect.forEach(ids, (id) => engine().untilStatus(id, "SUCCEEDED"))
    expect(mostRunning).toBe(2)
  }))

  it.live("of high priority pass a hundred others", () => Effect.gen(function*() {
    const others = yield* Effect.forEach(Array.from({ length: 100 }), (_, index) => engine().submit(`one of many ${index}`), { concurrency: 4 })
    const high = yield* engine().submit("passes all", { priority: "HIGH" })
    yield* engine().untilStatus(high, "SUCCEEDED")
    const [row] = yield* engine().sql<{ waiting: number }>("select count(*)::int as waiting from job where status = 'QUEUED'")
    expect(row?.waiting).toBeGreaterThan(20)
    yield* Effect.forEach(others, (id) => engine().untilStatus(id, "SUCCEEDED"))
  }), 60_000)

  it.live("tell when they will end: half-way through, within 30 % of the time that they take", () => Effect.gen(function*() {
    const id = yield* engine().submit("steady")
    const read = Effect.gen(function*() {
      const [job] = yield* jobsById([id])
      const stages = yield* stagesByJob([id])
      return { job, stages, estimate: job === undefined ? undefined : estimateFinish({ ...job, durationMs: null, stages }, yield* stageSpeeds(["LYRICS"])) }
    }).pipe(Effect.provide(engine().context))
    const { estimate } = yield* engine().until(read, ({ stages }) => (stages[1]?.progress ?? 0) >= 0.45)
    yield* engine().untilStatus(id, "SUCCEEDED")
    const { job } = yield* read
    const tookMs = (job?.finishedAt?.getTime() ?? 0) - (job?.startedAt?.getTime() ?? 0)
    expect(Math.abs((estimate?.getTime() ?? 0) - (job?.finishedAt?.getTime() ?? 0))).toBeLessThan(0.3 * tookMs)
    expect((yield* engine().events(id)).filter((event) => event.kind === "StageProgressedEvent").length).toBeLessThanOrEqual(Math.ceil((tookMs / 1000) * 2))
    const speeds = yield* stageSpeeds(["GENERATE"]).pipe(Effect.provide(engine().context))
    expect(speeds.map((speed) => speed.stage).toSorted()).toEqual(["FETCH_RESULT", "FINALIZE", "REQUEST"])
  }))

  it.live("keep the end of their log when the rest is old", () => Effect.gen(function*() {
    const [old, young] = [yield* engine().submit("old"), yield* engine().submit("young")]
    yield* Effect.forEach([old, young], (id) => engine().untilStatus(id, "SUCCEEDED"))
    yield* engine().sql("update job set finished_at = now() - interval '31 days' where id = $1", [old])
    expect(yield* shortenLogs(engine().database, 30)).toBe(1)
    expect(yield* shortenLogs(engine().database, 30)).toBe(0)
    expect((yield* engine().events(old)).map((event) => [event.sequence, event.kind])).toEqual([[9, "JobSucceededEvent"]])
    expect(yield* engine().events(young)).toHaveLength(9)
  }))
})
