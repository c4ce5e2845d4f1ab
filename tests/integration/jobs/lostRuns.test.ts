import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { Runner, type StopReason } from "../../../src/jobs/Runner.ts"
import { Database, type Transaction } from "../../../src/persistence/Database.ts"
import { engines, freshPostgres, testDatabase } from "../../support/database.ts"
import { makeGate, scriptedKind, startEngine, type TestEngine } from "../../support/jobEngine.ts"
import { useEngine } from "../../support/useEngine.ts"

const gapless = (events: ReadonlyArray<{ sequence: number }>) => events.every((event, index) => event.sequence === index + 1)

/** Takes the next job on a node that has no worker, as a process does that is killed or freezes right behind it. */
const takeAndDoNothing = (engine: TestEngine) =>
  Effect.gen(function*() {
    const [taken] = yield* Context.get(engine.context, Runner).take({ limit: 1, except: [], runsHere: () => false })
    return taken?._tag === "Claimed" ? taken.claim : yield* Effect.die(new Error(`nothing to take: ${taken?._tag}`))
  })

/** As the database looks when the node has sent no heartbeat for so long. */
const forgetHeartbeats = (engine: TestEngine) => engine.sql("update pgboss.job set heartbeat_on = now() - interval '1 minute' where state = 'active'")

describe("two nodes on one database", () => {
  const twoNodes = Effect.gen(function*() {
    const url = yield* freshPostgres()
    const kind = scriptedKind()
    const node = (worker: boolean) => startEngine({ database: testDatabase("postgres", { url }), kinds: [kind.definition], worker })
    return { kind, url, dead: yield* node(false), living: () => node(true) }
  })

  it.live("the jobs of one that is gone go on at the other within six seconds", () => Effect.gen(function*() {
    const { dead, kind, living } = yield* twoNodes
    const id = yield* dead.submit("orphan")
    yield* takeAndDoNothing(dead)
    const other = yield* living()
    yield* dead.stop
    const begun = performance.now()
    yield* other.untilStatus(id, "SUCCEEDED")
    expect(performance.now() - begun).toBeLessThan(6_000)
    expect((yield* other.stages(id))[0]).toMatchObject({ status: "SUCCEEDED", attempt: 2, losses: 1, failures: 0 })
    expect(kind.runs).toEqual(["orphan/REQUEST", "orphan/FETCH_RESULT", "orphan/FINALIZE"])
    expect(gapless(yield* other.events(id))).toBe(true)
  }).pipe(Effect.scoped), 60_000)

  it.live("one that freezes loses its jobs, and writes nothing when it wakes", () => Effect.gen(function*() {
    const { dead: frozen, living } = yield* twoNodes
    const id = yield* frozen.submit("frozen")
    const claim = yield* takeAndDoNothing(frozen)
    const other = yield* living()
    yield* forgetHeartbeats(other)
    yield* other.untilStatus(id, "SUCCEEDED")
    const before = yield* other.events(id)
    const stop = yield* Deferred.make<StopReason>()
    yield* Context.get(frozen.context, Runner).run(claim, { stop, isFull: () => false })
    expect(yield* other.events(id)).toEqual(before)
    expect(yield* other.statusOf(id)).toBe("SUCCEEDED")
  }).pipe(Effect.scoped), 60_000)

  it.live("one that lives keeps its jobs, also when it has lost its queue entries", () => Effect.gen(function*() {
    const url = yield* freshPostgres()
    const gate = yield* makeGate
    const kind = scriptedKind((_name, stage) => stage === "REQUEST" ? () => gate.pass : undefined)
    const node = startEngine({ database: testDatabase("postgres", { url }), kinds: [kind.definition] })
    const [one, other] = [yield* node, yield* node]
    const id = yield* one.submit("kept")
    yield* one.until(gate.come, (come) => come === 1)
    yield* one.sql("delete from pgboss.job")
    yield* one.sql("update job set updated_at = now() - interval '1 minute'")
    // Longer than a node is missed and the queue is swept.
    yield* Effect.sleep("11 seconds")
    yield* gate.open
    yield* other.untilStatus(id, "SUCCEEDED")
    expect(kind.runs.filter((run) => run === "kept/REQUEST")).toHaveLength(1)
    expect((yield* one.events(id)).filter((event) => event.kind === "JobStartedEvent")).toHaveLength(1)
  }).pipe(Effect.scoped), 60_000)

  it.live("a job that is being cancelled when its node goes is CANCELLED by the other", () => Effect.gen(function*() {
    const { dead, kind, living } = yield* twoNodes
    const id = yield* dead.submit("cancelled")
    yield* takeAndDoNothing(dead)
    yield* dead.jobs.cancel(id)
    expect(yield* dead.statusOf(id)).toBe("CANCELLING")
    const other = yield* living()
    yield* dead.stop
    yield* other.untilStatus(id, "CANCELLED")
    expect(kind.runs).toEqual([])
    expect(kind.finished).toEqual(["cancelled CANCELLED"])
  }).pipe(Effect.scoped), 60_000)

  it.live("a job that was prioritised while it ran has its new place when its run is lost", () => Effect.gen(function*() {
    const { dead } = yield* twoNodes
    const lowered = yield* dead.submit("lowered")
    yield* takeAndDoNothing(dead)
    yield* dead.jobs.prioritize(lowered, "LOW")
    const other = yield* dead.submit("other")
    yield* dead.sql("update pgboss.job set state = 'retry' where state = 'active'")
    expect((yield* takeAndDoNothing(dead)).jobId).toBe(other)
    expect((yield* takeAndDoNothing(dead)).jobId).toBe(lowered)
  }).pipe(Effect.scoped), 60_000)

  it.live("share the work, and each job runs once", () => Effect.gen(function*() {
    const url = yield* freshPostgres()
    const kind = scriptedKind()
    const node = startEngine({ database: testDatabase("postgres", { url }), kinds: [kind.definition] })
    const [one, other] = [yield* node, yield* node]
    const ids = yield* Effect.forEach(Array.from({ length: 60 }, (_, index) => index), (index) => (index % 2 === 0 ? one : other).submit(`shared ${index}`), { concurrency: 4 })
    yield* Effect.forEach(ids, (id) => one.untilStatus(id, "SUCCEEDED"))
    expect(new Set(kind.runs).size).toBe(180)
    expect(kind.runs).toHaveLength(180)
    expect((yield* one.sql<{ attempts: number }>("select max(attempt) as attempts from job"))[0]?.attempts).toBe(1)
  }).pipe(Effect.scoped), 60_000)
})

describe.each(engines)("a run that is lost on %s", (engineName) => {
  const kind = scriptedKind()
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition] })

  it.live("ended without a word: the same node takes the job up again", () => Effect.gen(function*() {
    const id = yield* engine().submit("silent")
    yield* engine().untilStatus(id, "SUCCEEDED")
    // As a run leaves the row whose last write the database did not take.
    yield* engine().sql("update job set status = 'RUNNING', finished_at = null, node = $2, updated_at = now() - interval '1 minute' where id = $1", [id, engine().node.id])
    yield* engine().sql("update job_stage set status = 'RUNNING', finished_at = null where job_id = $1 and position = 2", [id])
    yield* engine().sql("delete from job_event where job_id = $1 and kind = 'JobSucceededEvent'", [id])
    yield* engine().sql("update job set last_sequence = last_sequence - 1 where id = $1", [id])
    yield* engine().untilStatus(id, "SUCCEEDED")
    expect((yield* engine().stages(id))[2]).toMatchObject({ attempt: 2, losses: 1 })
    expect(gapless(yield* engine().events(id))).toBe(true)
  }), 60_000)

  it.live("was lost again and again at the same stage: the job fails instead of taking every node down", () => Effect.gen(function*() {
    const id = yield* engine().submit("poison")
    yield* engine().untilStatus(id, "SUCCEEDED")
    yield* engine().sql("update job set status = 'RUNNING', finished_at = null, node = $2, updated_at = now() - interval '1 minute' where id = $1", [id, engine().node.id])
    yield* engine().sql("update job_stage set status = 'RUNNING', finished_at = null, losses = 9 where job_id = $1 and position = 2", [id])
    yield* engine().sql("delete from job_event where job_id = $1 and kind = 'JobSucceededEvent'", [id])
    yield* engine().sql("update job set last_sequence = last_sequence - 1 where id = $1", [id])
    yield* engine().untilStatus(id, "FAILED")
    expect((yield* engine().events(id)).at(-1)?.data.failure?._tag).toBe("InternalError")
  }), 60_000)
})

describe.each(engines)("a queue that lost its entries on %s", (engineName) => {
  it.live("is filled again from the jobs, which are all done", () => Effect.gen(function*() {
    const database = testDatabase(engineName, engineName === "postgres" ? { url: yield* freshPostgres() } : {})
    const context = yield* Layer.build(database)
    const shared = Layer.succeed(Database, Context.get(context, Database))
    const kind = scriptedKind()
    const submitting = yield* startEngine({ database: shared, kinds: [kind.definition], worker: false })
    const ids = yield* Effect.forEach(["one", "two", "three"], (name) => submitting.submit(name))
    yield* submitting.sql("delete from pgboss.job")
    yield* submitting.sql("update job set updated_at = now() - interval '1 minute'")
    const working = yield* startEngine({ database: shared, kinds: [kind.definition] })
    yield* Effect.forEach(ids, (id) => working.untilStatus(id, "SUCCEEDED"))
    expect(kind.runs).toHaveLength(9)
  }).pipe(Effect.scoped), 60_000)
})

describe.each(engines)("jobs that are taken together on %s", (engineName) => {
  const kind = scriptedKind()
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition], concurrency: 4 })
  const submitTogether = (names: ReadonlyArray<string>, alter: (tx: Transaction, ids: ReadonlyArray<string>) => Effect.Effect<unknown>) =>
    engine().database.transaction((tx) => Effect.gen(function*() {
      const ids = yield* Effect.forEach(names, (name) => engine().jobs.submit(tx, { kind: "GENERATE", options: { name }, trackId: null, priority: "NORMAL" }))
      yield* alter(tx, ids)
      return ids
    }))

  it.live("begin also when one of them cannot", () => Effect.gen(function*() {
    const [before, broken, behind] = yield* submitTogether(["before", "broken", "behind"], (tx, [, id]) => tx.query(`update job set options = '{"nothing": true}' where id = $1`, [id]))
    yield* engine().untilStatus(before ?? "", "SUCCEEDED")
    yield* engine().untilStatus(behind ?? "", "SUCCEEDED")
    yield* engine().untilStatus(broken ?? "", "FAILED")
    expect(kind.runs.filter((run) => run.endsWith("/REQUEST")).toSorted()).toEqual(["before/REQUEST", "behind/REQUEST"])
  }))

  it.live("run once each, also when one has two entries, of which none remains", () => Effect.gen(function*() {
    const ids = yield* submitTogether(["twice", "once"], (tx, [id]) =>
      tx.query(`insert into pgboss.job (name, data, singleton_key) values ('job', jsonb_build_object('jobId', $1::text), $1)`, [id]))
    yield* Effect.forEach(ids, (id) => engine().untilStatus(id, "SUCCEEDED"))
    expect(kind.runs.filter((run) => run.startsWith("twice/") || run.startsWith("once/"))).toHaveLength(6)
    for (const id of ids) expect((yield* engine().events(id)).filter((event) => event.kind === "JobStartedEvent")).toHaveLength(1)
    expect(yield* engine().sql("select 1 from pgboss.job where singleton_key = any($1)", [ids])).toEqual([])
  }))
})

describe.each(engines)("a job that cannot be begun on %s", (engineName) => {
  const kind = scriptedKind()
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition], concurrency: 1 })

  it.live("fails, and those behind it go on", () => Effect.gen(function*() {
    const broken = yield* engine().database.transaction((tx) => Effect.gen(function*() {
      const id = yield* engine().jobs.submit(tx, { kind: "GENERATE", options: { name: "broken" }, trackId: null, priority: "HIGH" })
      yield* tx.query(`update job set options = '{"nothing": true}' where id = $1`, [id])
      return id
    }))
    const other = yield* engine().submit("behind it")
    yield* engine().untilStatus(other, "SUCCEEDED")
    yield* engine().untilStatus(broken, "FAILED")
    expect((yield* engine().events(broken)).map((event) => event.kind)).toEqual(["JobQueuedEvent", "JobFailedEvent"])
  }))

  it.live("because its kind is not known here waits for a node that knows it", () => Effect.gen(function*() {
    const id = yield* engine().submit("unknown")
    yield* engine().untilStatus(id, "SUCCEEDED")
    yield* engine().sql("update job set kind = 'LYRICS', status = 'QUEUED', finished_at = null, attempt = 0 where id = $1", [id])
    yield* engine().database.transaction((tx) => tx.query(`insert into pgboss.job (name, data, singleton_key) values ('job', jsonb_build_object('jobId', $1::text), $1)`, [id]))
    yield* engine().until(
      engine().sql("select 1 from pgboss.job where singleton_key = $1 and start_after > now() + interval '5 seconds'", [id]),
      (rows) => rows.length === 1
    )
    expect(yield* engine().statusOf(id)).toBe("QUEUED")
  }))
})
