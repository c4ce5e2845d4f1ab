import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Database } from "../../../src/persistence/Database.ts"
import { freshPostgres } from "../../support/database.ts"

const startFailure = (url: string) =>
  Effect.flip(
    Effect.provide(
      Effect.asVoid(Database),
      Database.layer({
        url: Redacted.make(url),
        dataDir: "memory://",
        poolSize: 2,
        statementTimeoutMs: 15_000,
        migrate: true
      })
    )
  )

const changed = Effect.fnUntraced(function* (change: (url: URL) => void) {
  const url = new URL(Redacted.value(yield* freshPostgres()))
  change(url)
  return url
})

describe("a start on a PostgreSQL that cannot be used says in one line what to do", () => {
  it.live("when nothing answers there", () =>
    Effect.gen(function* () {
      const free = createServer().listen(0, "127.0.0.1")
      yield* Effect.promise(() => new Promise((resolve) => free.once("listening", resolve)))
      const address = free.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      yield* Effect.promise(() => new Promise((resolve) => free.close(resolve)))
      const failure = yield* startFailure(`postgresql://someone:secret@127.0.0.1:${port}/playhead`)
      expect(failure).toMatchObject({
        reason: "UNREACHABLE",
        message: `The database server 127.0.0.1:${port} cannot be reached (connect ECONNREFUSED 127.0.0.1:${port}); start it or correct DATABASE_URL`
      })
    })
  )

  it.live("when the password is wrong, without telling it", () =>
    Effect.gen(function* () {
      const url = yield* changed((url) => {
        url.password = "wrong-secret"
      })
      const failure = yield* startFailure(url.href)
      expect(failure.reason).toBe("CREDENTIALS")
      expect(failure.message).toMatch(
        /^The database server 127\.0\.0\.1:\d+ refuses the user postgres \(.*\); correct DATABASE_URL$/
      )
      expect(failure.message).not.toContain("wrong-secret")
    }).pipe(Effect.scoped)
  )

  it.live("when it has no such database", () =>
    Effect.gen(function* () {
      const url = yield* changed((url) => {
        url.pathname = "/nowhere"
      })
      const failure = yield* startFailure(url.href)
      expect(failure).toMatchObject({
        reason: "UNKNOWN_DATABASE",
        message: `The database server ${url.host} has no database nowhere; create it or correct DATABASE_URL`
      })
    }).pipe(Effect.scoped)
  )

  it.live("when the address is none", () =>
    Effect.gen(function* () {
      expect(yield* startFailure("somewhere")).toMatchObject({
        reason: "UNREACHABLE",
        message: expect.stringContaining("DATABASE_URL is not an address")
      })
    })
  )
})
