import { setTimeout as pause } from "node:timers/promises"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Incidents } from "../../../src/operations/incidents/Incidents.ts"
import { deliveringLayer } from "../../../src/operations/webhooks/delivering.ts"
import { OutboundHttp } from "../../../src/providers/outbound/OutboundHttp.ts"
import { countingDatabase } from "../../support/countingDatabase.ts"
import { engines } from "../../support/database.ts"

const polls = 10

describe.each(engines)("webhooks and incidents where nothing happens, on %s", (engineName) => {
  it.effect("are looked for by reads alone", () =>
    Effect.gen(function* () {
      const counting = countingDatabase(engineName)
      const idle = Layer.merge(Incidents.layer({ objective: 0.99, onIncident: () => Effect.void }), deliveringLayer({ timeoutMs: 5_000 })).pipe(
        Layer.provide(Layer.merge(OutboundHttp.layer({ allowedSources: [] }), SecureRandom.layerWebCrypto)),
        Layer.provide(counting.layer)
      )
      yield* Layer.build(idle)

      /** What the database does takes its time, whatever the clock of the test says. */
      const read = (times: number) =>
        Effect.gen(function* () {
          const enough = ["webhooks.due", "incidents.open"].map((name) => [name, counting.readsOf(name) + times] as const)
          const isEnough = () => enough.every(([name, count]) => counting.readsOf(name) >= count)
          const deadline = performance.now() + 60_000
          while (!isEnough() && performance.now() < deadline) yield* Effect.andThen(TestClock.adjust("1 second"), Effect.promise(() => pause(10)))
          expect(isEnough()).toBe(true)
        })
      // The first look for webhooks is one to take, and old ones are forgotten.
      yield* read(1)
      const before = counting.transactions()
      yield* read(polls)
      expect(counting.transactions()).toBe(before)
    }).pipe(Effect.scoped), 120_000)
})
