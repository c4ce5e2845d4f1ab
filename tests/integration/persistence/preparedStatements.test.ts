import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/persistence/Database.ts"
import { testDatabase } from "../../support/database.ts"

describe("statements that are repeated in transactions", () => {
  it.live("are prepared by the connection from the third time on, and those that are not are left alone", () =>
    Effect.gen(function* () {
      const database = yield* Database
      const preparedNow = database.transaction((tx) =>
        Effect.gen(function* () {
          for (const n of [1, 2, 3, 4]) expect(yield* tx.query("select $1::int + 1 as next", [n])).toEqual([{ next: n + 1 }])
          yield* tx.query("select $1::text as once", ["only"])
          return yield* tx.query<{ statement: string }>("select statement from pg_prepared_statements order by 1")
        }))
      expect((yield* preparedNow).map(({ statement }) => statement)).toEqual(["select $1::int + 1 as next"])
    }).pipe(Effect.provide(testDatabase("postgres", { poolSize: 1 }))), 60_000)
})
