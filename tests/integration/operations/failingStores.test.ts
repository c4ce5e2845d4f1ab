import { describe, expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Node } from "../../../src/jobs/Node.ts"
import { addSql } from "../../../src/operations/failures/statements.ts"
import { type CheckResult, Health } from "../../../src/operations/Health.ts"
import { noteFailingStores } from "../../../src/operations/incidents/failingStores.ts"
import { Incidents } from "../../../src/operations/incidents/Incidents.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../support/database.ts"

const state = new Map<string, CheckResult["status"]>([["database", "HEALTHY"], ["storage", "HEALTHY"], ["disk", "HEALTHY"]])
const health = Health.layer({
  version: "1.2.3",
  checks: Effect.succeed([...state.keys()].map((name) => ({ name, run: Effect.sync(() => ({ status: state.get(name) ?? "HEALTHY" })) })))
})
const services = (engine: (typeof engines)[number]) =>
  Layer.mergeAll(Incidents.layer({ objective: 0.99, onIncident: () => Effect.void }), noteFailingStores).pipe(
    Layer.provideMerge(Layer.mergeAll(health, Node.layer)),
    Layer.provide(SecureRandom.layerWebCrypto),
    Layer.provideMerge(testDatabase(engine))
  )

const sql = <Row extends object>(text: string, params: ReadonlyArray<unknown> = []) => Effect.flatMap(Database, (database) => database.transaction((tx) => tx.query<Row>(text, params)))
/** The node's clock goes on, and what it does meanwhile is done for as long as the database takes. */
const pass = (seconds: number) => Effect.andThen(TestClock.adjust(`${seconds} seconds`), TestClock.withLive(Effect.sleep("200 millis")))
const incidents = (status: "OPEN" | "RESOLVED") =>
  Effect.gen(function* () {
    const service = yield* Incidents
    yield* service.look
    return (yield* service.list({ status, limit: 10 })).map(({ cause }) => cause.split(" ").slice(0, 5).join(" "))
  })

describe.each(engines)("what all jobs stand on, on %s", (engine) => {
  layer(services(engine), { timeout: 120_000 })((it) => {
    it.effect("opens an incident when it fails and goes on failing, which is over when it is in order again", () =>
      Effect.gen(function* () {
        state.set("storage", "UNHEALTHY").set("disk", "UNHEALTHY")
        yield* pass(5)
        expect(yield* incidents("OPEN")).toEqual([])
        yield* sql(addSql, [["STORAGE_FAILED"], [""], [""], [3], [0], [0], [0], [null]])
        yield* pass(15)
        expect(yield* incidents("OPEN")).toEqual(["The store of files fails:"])
        expect(yield* Effect.flatMap(Incidents, ({ list }) => list({ status: "OPEN", limit: 1 }))).toMatchObject([{ provider: null, errorCount: 3 }])
        state.set("storage", "HEALTHY")
        yield* pass(20)
        expect(yield* incidents("OPEN")).toEqual(["The store of files fails:"])
        yield* sql("update failing_store set seen_at = seen_at - interval '16 seconds'")
        yield* pass(20)
        expect(yield* incidents("OPEN")).toEqual([])
        expect(yield* incidents("RESOLVED")).toEqual(["The store of files fails:"])
      })
    )

    it.effect("is told of when the database is back that it was", () =>
      Effect.gen(function* () {
        state.set("database", "UNHEALTHY")
        yield* pass(60)
        expect(yield* sql("select 1 from failing_store where name = 'database'")).toEqual([])
        state.set("database", "HEALTHY")
        yield* pass(15)
        expect(yield* incidents("OPEN")).toEqual(["The database was out of"])
        const [row] = yield* sql<{ seconds: number }>("select extract(epoch from clock_timestamp() - opened_at)::float8 as seconds from incident where resolved_at is null")
        expect(row?.seconds).toBeGreaterThan(55)
      })
    )

    it.effect("opens none when it fails once", () =>
      Effect.gen(function* () {
        yield* sql("delete from failing_store")
        state.set("storage", "UNHEALTHY")
        yield* pass(5)
        state.set("storage", "HEALTHY")
        yield* pass(20)
        expect(yield* sql("select 1 from failing_store")).toEqual([])
      })
    )
  })
})
