import { setTimeout as pause } from "node:timers/promises"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { queueChannel } from "../../../src/jobs/Queue.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { countingDatabase } from "../../support/countingDatabase.ts"
import { engines } from "../../support/database.ts"
import { scriptedKind, startEngine } from "../../support/jobEngine.ts"

const polls = 30

/** What the database does takes its time, whatever the clock of the test says. */
const eventually = (holds: () => boolean, meanwhile: Effect.Effect<void> = Effect.void) =>
  Effect.gen(function* () {
    const deadline = performance.now() + 20_000
    while (!holds() && performance.now() < deadline) yield* Effect.andThen(meanwhile, Effect.promise(() => pause(10)))
    expect(holds()).toBe(true)
  })

describe.each(engines)("a node without work, on %s", (engineName) => {
  it.effect("reads once a second whether there is any, and opens no transaction; what is due it takes at once", () =>
    Effect.gen(function* () {
      let deaf = false
      const counting = countingDatabase(engineName)
      const database = Layer.effect(
        Database,
        Effect.map(Database, (database) =>
          Database.of({
            ...database,
            listen: (channel, onMessage) => database.listen(channel, (payload) => { if (!deaf || channel !== queueChannel) onMessage(payload) })
          }))
      ).pipe(Layer.provide(counting.layer))
      const { definition, finished } = scriptedKind()
      const engine = yield* startEngine({ database, kinds: [definition] })
      const polled = (times: number) => {
        const enough = counting.readsOf("jobs.due") + times
        return eventually(() => counting.readsOf("jobs.due") >= enough, TestClock.adjust("1 second"))
      }

      // The first look is one to take, and so is that when listening begins.
      yield* polled(1)
      const before = counting.transactions()
      yield* polled(polls)
      expect(counting.transactions()).toBe(before)

      // The clock stands still: no poll finds it.
      yield* engine.submit("announced")
      yield* eventually(() => finished.length === 1)

      deaf = true
      yield* engine.submit("not announced")
      yield* eventually(() => finished.length === 2, TestClock.adjust("1 second"))
    }).pipe(Effect.scoped), 120_000)
})
