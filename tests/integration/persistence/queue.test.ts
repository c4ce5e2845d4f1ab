import { describe, expect, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { fromKysely, type KyselyTransactionLike, PgBoss } from "pg-boss"
import { Database, type Transaction } from "../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../support/database.ts"

const startBoss = Effect.gen(function* () {
  const database = yield* Database
  return yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const boss = new PgBoss({
        db: { executeSql: database.executeSql },
        backend: database.engine,
        schedule: false,
        supervise: false
      })
      await boss.start()
      await boss.createQueue("work")
      // Its first use looks the queue up on the pool: inside a transaction the embedded database would wait for that for ever.
      await boss.findJobs("work", { key: "" })
      return boss
    }),
    (boss) => Effect.promise(() => boss.stop({ close: false, graceful: false }))
  )
})

const within = (tx: Transaction) => fromKysely(tx.em.getTransactionContext() as KyselyTransactionLike)

describe.each(engines)("pg-boss on the pool of %s", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect(
      "sends with the transaction: an entry is there after its commit, and gone with its rollback",
      () =>
        Effect.gen(function* () {
          const database = yield* Database
          const boss = yield* startBoss
          const send = (tx: Transaction, value: string) =>
            Effect.promise(() => boss.send("work", { value }, { db: within(tx) }))

          const exit = yield* Effect.exit(
            database.transaction((tx) => Effect.andThen(send(tx, "rolled back"), Effect.fail("no")))
          )
          expect(Exit.isFailure(exit)).toBe(true)
          expect(yield* Effect.promise(() => boss.fetch("work"))).toEqual([])

          yield* database.transaction((tx) => send(tx, "committed"))
          const entries = yield* Effect.promise(() => boss.fetch<{ value: string }>("work", { includeMetadata: true }))
          expect(entries).toMatchObject([
            { data: { value: "committed" }, createdOn: expect.any(Date), startAfter: expect.any(Date) }
          ])
        }).pipe(Effect.scoped),
      30_000
    )

    it.effect(
      "leaves the connection usable after a script that failed half-way",
      () =>
        Effect.gen(function* () {
          const database = yield* Database
          const failing = Effect.promise(() =>
            database.executeSql("begin; select 1/0; commit").then(
              () => "no error",
              (error: Error) => error.message
            )
          )
          const reading = Effect.forEach(
            Array.from({ length: 10 }),
            () => database.query("test.one", "select 1 as one"),
            { concurrency: 10 }
          )
          const [message, rows] = yield* Effect.all([failing, reading], { concurrency: "unbounded" })
          expect(message).toContain("division by zero")
          expect(rows).toEqual(Array.from({ length: 10 }, () => [{ one: 1 }]))
        }),
      30_000
    )
  })
})
