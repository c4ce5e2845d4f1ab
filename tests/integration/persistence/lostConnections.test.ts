import { once } from "node:events"
import { type AddressInfo, connect, createServer } from "node:net"
import { describe, expect, layer } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Latch, Layer, Redacted } from "effect"
import { Database, isOutage, type Transaction } from "../../../src/persistence/Database.ts"
import { BlobEntity } from "../../../src/persistence/entities/BlobEntity.ts"
import { freshPostgres, onServer } from "../../support/database.ts"

const poolSize = 3
let url: Redacted.Redacted<string>
const database = Layer.unwrap(
  Effect.map(freshPostgres(), (fresh) => {
    url = fresh
    return Database.layer({ url, dataDir: "memory://", poolSize, statementTimeoutMs: 15_000, migrate: false })
  })
)

const kill = (pid: number | undefined) => Effect.promise(() => onServer(url, `select pg_terminate_backend(${pid})`))
const killListener = Effect.promise(() =>
  onServer(
    url,
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen%' and pid <> pg_backend_pid()"
  )
)
const ownPid = (tx: Transaction) =>
  Effect.map(tx.query<{ pid: number }>("select pg_backend_pid() as pid"), ([row]) => row?.pid)
const insertBlob = (tx: Transaction, sha256: string) =>
  tx.query("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", [sha256])

const until = (condition: () => boolean) =>
  Effect.sleep(10).pipe(Effect.repeat({ until: condition }), Effect.timeout("30 seconds"), Effect.orDie)

describe("when PostgreSQL drops connections", () => {
  layer(database, { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect(
      "the pool keeps its size, though more connections die inside transactions than it has",
      () =>
        Effect.gen(function* () {
          const database = yield* Database
          for (let loss = 0; loss < poolSize * 3; loss++) {
            // Some die while nothing is asked of them, some under a running statement.
            const dying = (tx: Transaction, pid: number | undefined): Effect.Effect<void> =>
              loss % 2 === 0
                ? Effect.andThen(kill(pid), Effect.asVoid(tx.query("select 1")))
                : Effect.all([kill(pid), tx.query("select pg_sleep(60)")], { concurrency: 2, discard: true })
            const exit = yield* Effect.exit(
              database.transaction((tx) =>
                Effect.flatMap(ownPid(tx), (pid) => dying(tx, pid)).pipe(
                  // A typed failure, so that the transaction is not tried again.
                  Effect.catchDefect((defect) => Effect.fail(defect))
                )
              )
            )
            expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ connectionLost: true })
          }
          // All places at once, which one that is lost would keep waiting for ever.
          const arrived = yield* Latch.make()
          let open = 0
          yield* Effect.all(
            Array.from({ length: poolSize }, () =>
              database.transaction((tx) =>
                tx.query("select 1").pipe(
                  Effect.andThen(() => (++open === poolSize ? arrived.open : Effect.void)),
                  Effect.andThen(arrived.await)
                )
              )
            ),
            { concurrency: "unbounded" }
          )
          expect((yield* database.health).pool).toMatchObject({ waiting: 0, limit: poolSize })
        }),
      60_000
    )

    it.effect("a transaction that had not asked to commit is done again, and once", () =>
      Effect.gen(function* () {
        const database = yield* Database
        let runs = 0
        yield* database.transaction((tx) =>
          Effect.gen(function* () {
            yield* insertBlob(tx, "again")
            if (++runs < 3) yield* kill(yield* ownPid(tx))
            yield* tx.query("select 1")
          })
        )
        expect(runs).toBe(3)
        expect(yield* database.query("test.again", "select sha256 from blob where sha256 = 'again'")).toHaveLength(1)
      })
    )

    it.effect("a transaction whose flush lost the connection is done again", () =>
      Effect.gen(function* () {
        const database = yield* Database
        let runs = 0
        yield* database.transaction((tx) =>
          Effect.gen(function* () {
            tx.em.create(BlobEntity, { sha256: "flushed", sizeBytes: 1, createdAt: new Date(0) })
            if (++runs === 1) yield* kill(yield* ownPid(tx))
          })
        )
        expect(runs).toBe(2)
      })
    )

    it.effect("a transaction whose COMMIT did not arrive is done again", () =>
      Effect.gen(function* () {
        const database = yield* Database
        let runs = 0
        yield* database.transaction((tx) =>
          Effect.gen(function* () {
            yield* insertBlob(tx, "late")
            if (++runs < 3) yield* kill(yield* ownPid(tx))
          })
        )
        expect(runs).toBe(3)
        expect(yield* database.query("test.late", "select sha256 from blob where sha256 = 'late'")).toHaveLength(1)
      })
    )

    it.effect(
      "a transaction that the database gives up for another's sake is done again",
      () =>
        Effect.gen(function* () {
          const database = yield* Database
          yield* database.transaction((tx) => Effect.andThen(insertBlob(tx, "left"), insertBlob(tx, "right")))
          const both = yield* Latch.make()
          let started = 0
          let runs = 0
          const lock = (tx: Transaction, sha256: string) =>
            tx.query("update blob set size_bytes = size_bytes + 1 where sha256 = $1", [sha256])
          const crossing = (first: string, second: string) =>
            database.transaction((tx) =>
              Effect.gen(function* () {
                runs++
                yield* lock(tx, first)
                if (++started === 2) yield* both.open
                yield* both.await
                yield* lock(tx, second)
              })
            )
          yield* Effect.all([crossing("left", "right"), crossing("right", "left")], { concurrency: 2 })
          expect(runs).toBe(3)
          expect(
            yield* database.query("test.crossed", "select size_bytes from blob where sha256 in ('left', 'right')")
          ).toEqual([{ size_bytes: 3 }, { size_bytes: 3 }])
        }),
      60_000
    )

    it.effect("a listener hears again, and is told that it may have missed something", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const heard: Array<string> = []
        yield* database.listen("playhead_test", (payload) => heard.push(payload))
        yield* database.listen("playhead_Other", (payload) => heard.push(`other ${payload}`))
        expect(heard).toEqual(["", "other "])
        yield* database.transaction((tx) => tx.notify("playhead_Other", "first"))
        yield* until(() => heard.length === 3)
        yield* killListener
        yield* until(() => heard.length === 5)
        yield* database.transaction((tx) => tx.notify("playhead_test", "second"))
        yield* until(() => heard.length === 6)
        expect(heard).toEqual(["", "other ", "other first", "", "other ", "second"])
      })
    )
  })
})

/** A way to the server that ends each connection on which COMMIT is sent, after it has arrived. */
const swallowingCommits = (deafAfterwards: boolean) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { hostname, port } = new URL(Redacted.value(url))
      const proxy = createServer((near) => {
        const far = connect(Number(port), hostname)
        for (const socket of [near, far]) socket.on("error", () => {})
        near.on("close", () => far.destroy())
        far.on("close", () => near.destroy())
        near.on("data", (chunk) => {
          if (chunk.includes("commit\0")) {
            if (deafAfterwards) proxy.close()
            far.removeAllListeners("data").once("data", () => near.destroy())
          }
          far.write(chunk)
        })
        far.on("data", (chunk) => near.write(chunk))
      })
      proxy.listen(0, "127.0.0.1")
      await once(proxy, "listening")
      return proxy
    }),
    (proxy) => Effect.sync(() => proxy.close())
  ).pipe(
    Effect.flatMap((proxy) => {
      const through = new URL(Redacted.value(url))
      through.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
      return Layer.build(Database.layer({ url: Redacted.make(through.href), dataDir: "memory://", poolSize, statementTimeoutMs: 15_000, migrate: false }))
    }),
    Effect.map((context) => Context.get(context, Database))
  )

describe("when PostgreSQL's answer to a COMMIT is lost", () => {
  layer(database, { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect.each(["query", "execute"] as const)("the transaction is not done again, and its value and what follows its commit are not lost, when it wrote by %s", (means) =>
      Effect.gen(function* () {
        const database = yield* swallowingCommits(false)
        let runs = 0
        let followed = 0
        const value = yield* database.transaction((tx) =>
          Effect.gen(function* () {
            runs++
            yield* tx[means]("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", [`unheard by ${means}`])
            yield* tx.afterCommit(Effect.sync(() => void followed++))
            return "value"
          })
        )
        expect({ runs, followed, value }).toEqual({ runs: 1, followed: 1, value: "value" })
        expect(yield* database.query("test.unheard", "select sha256 from blob where sha256 = $1", [`unheard by ${means}`])).toHaveLength(1)
        expect((yield* database.health).pool).toMatchObject({ waiting: 0, idle: 1 })
      })
    )

    it.effect("and nobody can be asked what became of it, its outcome is unknown, and it is not done again", () =>
      Effect.gen(function* () {
        const database = yield* swallowingCommits(true)
        let runs = 0
        const exit = yield* Effect.exit(
          database.transaction((tx) => {
            runs++
            return tx.query("select 1")
          })
        )
        expect(runs).toBe(1)
        expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({
          _tag: "DatabaseFailure",
          connectionLost: true,
          outcomeUnknown: true
        })
        expect(Exit.isFailure(exit) && isOutage(exit.cause)).toBe(true)
      }),
      60_000
    )
  })
})
