import { setTimeout as pause } from "node:timers/promises"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Incidents } from "../../../src/operations/incidents/Incidents.ts"
import { deliveringLayer } from "../../../src/operations/webhooks/delivering.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { OutboundHttp } from "../../../src/providers/outbound/OutboundHttp.ts"
import { engines, testDatabase } from "../../support/database.ts"

const polls = 10

describe.each(engines)("webhooks and incidents where nothing happens, on %s", (engineName) => {
  it.effect("are looked for by reads alone", () =>
    Effect.gen(function* () {
      let transactions = 0
      const reads = new Map<string, number>()
      const database = Layer.effect(
        Database,
        Effect.map(Database, (database) =>
          Database.of({
            ...database,
            transaction: (body) => {
              transactions++
              return database.transaction(body)
            },
            query: (name, ...rest) => Effect.ensuring(database.query(name, ...rest), Effect.sync(() => reads.set(name, (reads.get(name) ?? 0) + 1)))
          }))
      ).pipe(Layer.provide(testDatabase(engineName)))
      const idle = Layer.merge(Incidents.layer({ objective: 0.99, onIncident: () => Effect.void }), deliveringLayer({ timeoutMs: 5_000 })).pipe(
        Layer.provide(Layer.merge(OutboundHttp.layer({ allowedSources: [] }), SecureRandom.layerWebCrypto)),
        Layer.provide(database)
      )
      yield* Layer.build(idle)

      /** What the database does takes its time, whatever the clock of the test says. */
      const read = (times: number) =>
        Effect.gen(function* () {
          const enough = ["webhooks.due", "incidents.open"].map((name) => [name, (reads.get(name) ?? 0) + times] as const)
          const isEnough = () => enough.every(([name, count]) => (reads.get(name) ?? 0) >= count)
          const deadline = performance.now() + 60_000
          while (!isEnough() && performance.now() < deadline) yield* Effect.andThen(TestClock.adjust("1 second"), Effect.promise(() => pause(10)))
          expect(isEnough()).toBe(true)
        })
      // The first look for webhooks is one to take, and old ones are forgotten.
      yield* read(1)
      transactions = 0
      yield* read(polls)
      expect(transactions).toBe(0)
    }).pipe(Effect.scoped), 120_000)
})
