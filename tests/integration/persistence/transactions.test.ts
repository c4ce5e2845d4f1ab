import { describe, expect, layer } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { TrackEntity } from "../../../src/persistence/entities/TrackEntity.ts"
import { Database, type Transaction } from "../../../src/persistence/Database.ts"
import { DatabaseFailure } from "../../../src/persistence/failures.ts"
import { engines, testDatabase } from "../../support/database.ts"

const insertBlob = (tx: Transaction, sha256: string) =>
  tx.query("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", [sha256])

const blobs = Effect.fnUntraced(function* (pattern: string) {
  const database = yield* Database
  const rows = yield* database.query<{ sha256: string }>(
    "test.blobs",
    "select sha256 from blob where sha256 like $1 order by 1",
    [`${pattern}%`]
  )
  return rows.map(({ sha256 }) => sha256)
})

const reasonOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined)
const defectOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)

describe.each(engines)("a transaction on %s", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect("is there for everybody once its body has succeeded", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const returned = yield* database.transaction((tx) => Effect.as(insertBlob(tx, "commit"), "result"))
        expect(returned).toBe("result")
        expect(yield* blobs("commit")).toEqual(["commit"])
      })
    )

    it.effect("keeps what was written without waiting for the answer, in the order it was sent", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const seen = yield* database.transaction((tx) =>
          Effect.gen(function* () {
            yield* tx.execute("insert into blob (sha256, size_bytes, created_at) values ('sent1', 1, now())")
            yield* tx.execute("update blob set sha256 = $2 where sha256 = $1", ["sent1", "sent2"])
            const rows = yield* tx.query("select sha256 from blob where sha256 like 'sent%'")
            yield* tx.execute("update blob set sha256 = $2 where sha256 = $1", ["sent2", "sent3"])
            return rows
          })
        )
        expect(seen).toEqual([{ sha256: "sent2" }])
        expect(yield* blobs("sent")).toEqual(["sent3"])
      })
    )

    it.effect("fails with what went wrong first, when that was a statement nobody waited for", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const twice = (after: (tx: Transaction) => Effect.Effect<unknown>) =>
          Effect.exit(
            database.transaction((tx) =>
              insertBlob(tx, "unanswered").pipe(
                Effect.andThen(tx.execute("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", ["unanswered"])),
                Effect.andThen(after(tx))
              )
            )
          )
        for (const after of [() => Effect.void, (tx: Transaction) => tx.query("select 1"), (tx: Transaction) => insertBlob(tx, "behind")]) {
          const defect = defectOf(yield* twice(after))
          expect(defect).toBeInstanceOf(DatabaseFailure)
          expect(defect).toMatchObject({ sqlState: "23505" })
        }
        expect(yield* blobs("unanswered")).toEqual([])
        expect(yield* blobs("behind")).toEqual([])
        // Its connection is fit for the next one.
        yield* Effect.forEach(Array.from({ length: 8 }), (_, n) => database.transaction((tx) => insertBlob(tx, `fit${n}`)), { concurrency: "unbounded" })
        expect(yield* blobs("fit")).toHaveLength(8)
      })
    )

    it.effect("leaves nothing when its body fails, and hands the failure on as it was", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const failure = { _tag: "Refused" } as const
        const exit = yield* Effect.exit(
          database.transaction((tx) => Effect.andThen(insertBlob(tx, "fail"), Effect.fail(failure)))
        )
        expect(reasonOf(exit)).toMatchObject({ _tag: "Fail", error: failure })
        expect(yield* blobs("fail")).toEqual([])
      })
    )

    it.effect("leaves nothing when its body dies", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const defect = new Error("a bug")
        const exit = yield* Effect.exit(
          database.transaction((tx) => Effect.andThen(insertBlob(tx, "die"), Effect.die(defect)))
        )
        expect(reasonOf(exit)).toMatchObject({ _tag: "Die", defect })
        expect(yield* blobs("die")).toEqual([])
      })
    )

    it.effect("leaves nothing when it is interrupted, and its connection is free again", () =>
      Effect.gen(function* () {
        const database = yield* Database
        for (let round = 0; round < 12; round++) {
          const written = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkChild(
            database.transaction((tx) =>
              insertBlob(tx, `interrupt${round}`).pipe(
                Effect.andThen(Deferred.succeed(written, undefined)),
                Effect.andThen(Effect.never)
              )
            )
          )
          yield* Deferred.await(written)
          yield* Fiber.interrupt(fiber)
        }
        expect(yield* blobs("interrupt")).toEqual([])
      })
    )

    it.effect("lets no statement of an interrupted flush through after its rollback", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const now = new Date(0)
        for (let delayMs = 0; delayMs < 12; delayMs++) {
          const fiber = yield* Effect.forkChild(
            database.transaction((tx) =>
              Effect.promise(async () => {
                for (let n = 0; n < 20; n++) {
                  tx.em.create(TrackEntity, {
                    id: crypto.randomUUID(),
                    status: "READY",
                    sourceKind: "URL",
                    title: "stray",
                    createdAt: now,
                    updatedAt: now
                  })
                  await tx.em.flush()
                }
              }).pipe(Effect.andThen(Effect.never))
            )
          )
          yield* Effect.sleep(delayMs)
          yield* Fiber.interrupt(fiber)
        }
        expect(yield* database.query("test.stray", "select id from track where title = 'stray'")).toEqual([])
      })
    )

    it.effect("gives a waiting transaction up when it is interrupted before it began", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const release = yield* Deferred.make<void>()
        const busy = yield* Effect.forEach(Array.from({ length: 4 }), () =>
          Effect.forkChild(database.transaction(() => Deferred.await(release)))
        )
        const waiting = yield* Effect.forkChild(database.transaction((tx) => insertBlob(tx, "waiting")))
        yield* Effect.sleep(50)
        yield* Fiber.interrupt(waiting)
        yield* Deferred.succeed(release, undefined)
        yield* Effect.forEach(busy, Fiber.join)
        yield* Effect.forEach(Array.from({ length: 8 }), () => database.transaction(() => Effect.void), {
          concurrency: 8
        })
        expect(yield* blobs("waiting")).toEqual([])
      })
    )

    it.effect("writes what its unit of work holds, with no flush asked for", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const id = crypto.randomUUID()
        const at = new Date("2026-01-02T03:04:05.678Z")
        yield* database.transaction((tx) =>
          Effect.sync(() => {
            tx.em.create(TrackEntity, {
              id,
              status: "PENDING",
              sourceKind: "UPLOAD",
              title: "T",
              genres: ["Dub, roots", 'a "b"'],
              sizeBytes: 5e9,
              createdAt: at,
              updatedAt: at
            })
          })
        )
        const rows = yield* database.query(
          "test.track",
          "select title, genres, tags, size_bytes, version, created_at from track where id = $1",
          [id]
        )
        expect(rows).toEqual([
          { title: "T", genres: ["Dub, roots", 'a "b"'], tags: [], size_bytes: 5e9, version: 1, created_at: at }
        ])
        const read = yield* database.transaction((tx) => Effect.promise(() => tx.em.findOneOrFail(TrackEntity, id)))
        expect(read).toMatchObject({ genres: ["Dub, roots", 'a "b"'], sizeBytes: 5e9, createdAt: at, artist: null })
      })
    )

    it.effect("does not commit when a failure of a statement was swallowed", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const exit = yield* Effect.exit(
          database.transaction((tx) =>
            insertBlob(tx, "swallowed").pipe(
              Effect.andThen(insertBlob(tx, "swallowed")),
              Effect.catchCause(() => Effect.void)
            )
          )
        )
        expect(defectOf(exit)).toMatchObject({ _tag: "DatabaseFailure", sqlState: "23505" })
        expect(yield* blobs("swallowed")).toEqual([])
      })
    )

    it.effect("says which rule of the database was broken, whether SQL or an entity broke it", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const now = new Date(0)
        const bySql = yield* Effect.exit(
          database.transaction((tx) =>
            tx.query("insert into job_blob (job_id, sha256, created_at) values (gen_random_uuid(), 'none', now())")
          )
        )
        const byEntity = yield* Effect.exit(
          database.transaction((tx) =>
            Effect.sync(() => {
              tx.em.create(TrackEntity, {
                id: crypto.randomUUID(),
                status: "READY",
                sourceKind: "URL",
                title: "",
                createdAt: now,
                updatedAt: now
              })
            })
          )
        )
        const failures = [bySql, byEntity].map(defectOf)
        for (const failure of failures) expect(failure).toBeInstanceOf(DatabaseFailure)
        expect(failures).toMatchObject([
          { sqlState: "23503", connectionLost: false },
          { sqlState: "23514", connectionLost: false }
        ])
      })
    )

    it.effect("runs what follows a commit after it, and not after a rollback", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const followed: Array<ReadonlyArray<string>> = []
        const look = Effect.map(blobs("after"), (found) => {
          followed.push(found)
        }).pipe(Effect.provideService(Database, database))
        yield* database.transaction((tx) => Effect.andThen(tx.afterCommit(look), insertBlob(tx, "after")))
        yield* database.transaction((tx) =>
          Effect.andThen(tx.afterCommit(Effect.die("heard by nobody")), tx.afterCommit(look))
        )
        yield* Effect.exit(database.transaction((tx) => Effect.andThen(tx.afterCommit(look), Effect.fail("no"))))
        expect(followed).toEqual([["after"], ["after"]])
      })
    )

    it.effect("refuses at once to let anything but its own transaction be used inside it", () =>
      Effect.gen(function* () {
        const database = yield* Database
        for (const inside of [
          database.query("test.one", "select 1"),
          database.transaction(() => Effect.void),
          Effect.scoped(database.listen("channel", () => {}))
        ]) {
          const exit = yield* Effect.exit(database.transaction(() => inside))
          expect(String(defectOf(exit))).toContain("inside a transaction only that transaction may be used")
        }
      })
    )

    it.effect("leaves a fiber that it started free to use the database later", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const committed = yield* Deferred.make<void>()
        const fiber = yield* database.transaction(() =>
          Effect.forkDetach(
            Effect.andThen(Deferred.await(committed), database.query<{ one: number }>("test.later", "select 1 as one"))
          )
        )
        yield* Deferred.succeed(committed, undefined)
        expect(yield* Fiber.join(fiber)).toEqual([{ one: 1 }])
      })
    )

    it.effect("waits its turn beside others, none of them seeing what is not committed", () =>
      Effect.gen(function* () {
        const database = yield* Database
        yield* database.transaction((tx) => insertBlob(tx, "counter"))
        yield* Effect.forEach(
          Array.from({ length: 30 }),
          () =>
            database.transaction((tx) =>
              tx.query<{ size_bytes: number }>("select size_bytes from blob where sha256 = 'counter' for update").pipe(
                Effect.tap(() => Effect.yieldNow),
                Effect.andThen(([row]) =>
                  tx.query("update blob set size_bytes = $1 where sha256 = 'counter'", [(row?.size_bytes ?? 0) + 1])
                )
              )
            ),
          { concurrency: 15 }
        )
        expect(yield* database.query("test.counter", "select size_bytes from blob where sha256 = 'counter'")).toEqual([
          { size_bytes: 31 }
        ])
      })
    )
  })
})
