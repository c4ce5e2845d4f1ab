import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { Database } from "../../../src/persistence/Database.ts"
import { engines, freshPostgres, onServer, testDatabase } from "../../support/database.ts"

describe.each(engines)("presence on %s", (engine) => {
  it.live("is seen while the process is connected", () =>
    Effect.gen(function* () {
      const database = yield* Database
      expect(new Set(yield* database.absent(["here", "never"]))).toEqual(new Set(["here", "never"]))
      yield* database.bePresent("here")
      expect(yield* database.absent(["here", "never"])).toEqual(["never"])
    }).pipe(Effect.provide(testDatabase(engine))), 60_000)
})

describe("presence of other processes", () => {
  it.live("ends with their connection, and comes back with it", () =>
    Effect.gen(function* () {
      const url = yield* freshPostgres()
      const open = Effect.map(Layer.build(testDatabase("postgres", { url })), (context) => Context.get(context, Database))
      const [one, other] = [yield* open, yield* open]
      yield* one.bePresent("one")
      expect(yield* other.absent(["one"])).toEqual([])
      yield* Effect.promise(() => onServer(url, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`))
      yield* other.absent(["one"]).pipe(
        Effect.filterOrFail((names) => names.length === 0),
        Effect.retry(Schedule.spaced("50 millis")),
        Effect.timeout("10 seconds")
      )
      yield* Effect.scoped(Effect.gen(function* () {
        const leaving = Context.get(yield* Layer.build(testDatabase("postgres", { url })), Database)
        yield* leaving.bePresent("leaving")
        expect(yield* other.absent(["leaving"])).toEqual([])
      }))
      expect(yield* other.absent(["leaving"])).toEqual(["leaving"])
    }).pipe(Effect.scoped), 60_000)
})
