import { describe, expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { FeedEntry } from "../../../src/domain/Feed.ts"
import type { IncidentRecord } from "../../../src/operations/incidents/IncidentRecord.ts"
import { Incidents } from "../../../src/operations/incidents/Incidents.ts"
import { addSql } from "../../../src/operations/failures/statements.ts"
import { webhookOfIncident } from "../../../src/operations/webhooks/incidentChanged.ts"
import { Database, type Transaction } from "../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../support/database.ts"

const told: Array<string> = []
const describeOf = (tx: Transaction, { cause, resolvedAt }: IncidentRecord) => tx.afterCommit(Effect.sync(() => told.push(`${resolvedAt === null ? "opened" : "resolved"}: ${cause.split(" ")[0]}`)))
const incidents = Incidents.layer({
  objective: 0.99,
  onIncident: (tx, incident) => Effect.andThen(describeOf(tx, incident), webhookOfIncident(tx, incident))
}).pipe(Layer.provide(SecureRandom.layerWebCrypto))

const sql = (text: string, params: ReadonlyArray<unknown> = []) => Effect.flatMap(Database, (database) => database.transaction((tx) => tx.query(text, params)))

/** So many jobs that ended so long ago; those that failed did so through us unless another failure is named. */
const ended = (count: number, failed: number, ago: string, failure = "StorageError") =>
  sql(
    `insert into job (id, kind, status, priority, options, failure, last_sequence, created_at, updated_at, finished_at)
     select gen_random_uuid(), 'IMPORT', case when n <= $2 then 'FAILED' else 'SUCCEEDED' end, 1, '{}',
       case when n <= $2 then jsonb_build_object('_tag', $4::text) end, 1, now(), now(), now() - $3::interval
     from generate_series(1, $1) as n`,
    [count, failed, ago, failure]
  )

describe.each(engines)("incidents on %s", (engine) => {
  layer(incidents.pipe(Layer.provideMerge(testDatabase(engine))), { excludeTestServices: true, timeout: 120_000 })((it) => {
    it.effect("open when a breaker does and resolve when it closes, each told once", () =>
      Effect.gen(function* () {
        told.length = 0
        const service = yield* Incidents
        const feed = yield* service.changed
        expect(yield* service.changed).toBe(feed)
        const seen: Array<FeedEntry<IncidentRecord>> = []
        feed.listen({ onEntries: (entries) => seen.push(...entries), onEnd: () => {} })
        yield* sql("insert into webhook_endpoint (id, url, topics, secret, enabled, created_at) values (gen_random_uuid(), 'https://example.org/', array['INCIDENT_OPENED', 'INCIDENT_RESOLVED'], 'whsec_x', true, now())")
        yield* sql("insert into provider_circuit (provider, opened_at, open_until) values ('itunes', now(), now() + interval '1 minute')")
        yield* sql(addSql, [["PROVIDER_FAILED"], [""], ["itunes"], [5], [0], [0], [0], [null]])
        yield* Effect.all([service.look, service.look, service.look], { concurrency: 3 })
        yield* service.look
        const [open] = yield* service.list({ status: "OPEN", limit: 10 })
        expect(open).toMatchObject({ provider: "itunes", resolvedAt: null, errorCount: 5, cause: expect.stringContaining("itunes fails") })
        expect((yield* feed.stored(0)).entries).toMatchObject([{ value: { id: open?.id } }])

        yield* sql("update provider_circuit set closed_at = now()")
        yield* service.look
        expect(yield* service.list({ status: "OPEN", limit: 10 })).toEqual([])
        const [over] = yield* service.list({ status: "RESOLVED", limit: 10 })
        expect(over).toMatchObject({ id: open?.id, resolvedAt: expect.any(Date) })
        expect(told).toEqual(["opened: itunes", "resolved: itunes"])
        const bodies = yield* sql("select body::json as body from webhook_delivery order by created_at") as Effect.Effect<ReadonlyArray<{ body: unknown }>, never, Database>
        const data = { provider: "itunes", errorCount: 5, openedAt: expect.any(String) }
        expect(bodies.map(({ body }) => body)).toMatchObject([
          { type: "incident.opened", data: { ...data, status: "OPEN", resolvedAt: null } },
          { type: "incident.resolved", data: { ...data, status: "RESOLVED", resolvedAt: expect.any(String) } }
        ])
        // Who reads late is told of the newest state alone.
        while (seen.at(-1)?.value.resolvedAt === null || seen.length === 0) yield* Effect.sleep(10)
        expect(new Set(seen.map(({ value }) => value.id))).toEqual(new Set([open?.id]))
      }).pipe(Effect.scoped)
    )

    it.effect("are over when a provider that failed was not asked for long, and open anew when it fails again", () =>
      Effect.gen(function* () {
        const service = yield* Incidents
        yield* sql("update provider_circuit set closed_at = null, opened_at = now(), open_until = now() + interval '1 minute'")
        yield* service.look
        const [first] = yield* service.list({ status: "OPEN", limit: 10 })
        yield* sql("update provider_circuit set open_until = now() - interval '6 minutes'")
        yield* service.look
        expect(yield* service.list({ status: "OPEN", limit: 10 })).toEqual([])
        yield* sql("update provider_circuit set open_until = now() + interval '1 minute'")
        yield* service.look
        const [again] = yield* service.list({ status: "OPEN", limit: 10 })
        expect(again?.id).not.toBe(first?.id)
        yield* sql("delete from provider_circuit")
        yield* service.look
      })
    )

    it.effect("open when the error budget burns fast both lately and for longer, not for a few jobs, a blow that is over, or what others are to blame for", () =>
      Effect.gen(function* () {
        const service = yield* Incidents
        const open = Effect.andThen(service.look, Effect.map(service.list({ status: "OPEN", limit: 10 }), (rows) => rows.map(({ cause }) => cause)))
        expect(yield* service.errorBudget).toMatchObject({ objective: 0.99, total: 0, failed: 0, remaining: 1, burnRate: 0, exhaustsAt: null })
        yield* ended(4, 4, "1 minute")
        expect(yield* open).toEqual([])
        yield* ended(100, 100, "1 minute", "UnsupportedMediaError")
        yield* sql("delete from job")
        yield* ended(20, 20, "30 minutes")
        yield* ended(20, 0, "1 minute")
        expect(yield* open).toEqual([])
        yield* ended(20, 10, "1 minute")
        expect(yield* open).toEqual([
          "30 of 60 jobs of the last 6 h failed: the error budget burns 50.0 times as fast as it may",
          "30 of 60 jobs of the last 1 h failed: the error budget burns 50.0 times as fast as it may"
        ])
        yield* sql("update job set finished_at = finished_at - interval '10 minutes'")
        expect(yield* open).toHaveLength(1)
        yield* sql("update job set finished_at = finished_at - interval '1 day'")
        expect(yield* open).toEqual([])
      })
    )

    it.effect("have an error budget behind them, with a forecast of its end", () =>
      Effect.gen(function* () {
        const service = yield* Incidents
        yield* sql("delete from job")
        yield* ended(1000, 2, "10 days")
        yield* ended(100, 2, "10 minutes")
        const budget = yield* service.errorBudget
        expect(budget).toMatchObject({ total: 1100, failed: 4 })
        expect(budget.remaining).toBeCloseTo(1 - 4 / 11, 5)
        expect(budget.burnRate).toBeCloseTo(2, 5)
        const days = ((budget.exhaustsAt?.getTime() ?? 0) - Date.now()) / 86_400_000
        expect(days).toBeCloseTo((budget.remaining * 30) / 2, 1)
        yield* ended(100, 100, "2 days")
        expect(yield* service.errorBudget).toMatchObject({ exhaustsAt: expect.any(Date), remaining: expect.any(Number) })
        expect((yield* service.errorBudget).remaining).toBeLessThan(0)
      })
    )
  })
})
