import { Effect, Layer, Redacted } from "effect"
import pg from "pg"
import { inject } from "vitest"
import { Database, type DatabaseSettings } from "../../src/persistence/Database.ts"
import type { PostgresOffer } from "./postgres.ts"
import { databaseUrl } from "./postgresServer.ts"

export const engines = ["pglite", "postgres"] as const
export type EngineName = (typeof engines)[number]

const ask = async (path: string): Promise<Response> => {
  // A connection kept alive would be closed by the time that the next engine's tests ask for theirs.
  const answer = await fetch(`${inject("databases")}${path}`, { headers: { connection: "close" } })
  if (!answer.ok) throw new Error(`No test database: ${await answer.text()}`)
  return answer
}

/** One statement on a connection of its own. */
export const onServer = async (server: Redacted.Redacted<string>, sql: string): Promise<void> => {
  const client = new pg.Client(Redacted.value(server))
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** The address of a new database with all tables (or, as a copy of `template1`, with none), dropped with the scope. */
export const freshPostgres = Effect.fnUntraced(function* (template?: string) {
  const offer = yield* Effect.promise(async () => (await (await ask("/postgres")).json()) as PostgresOffer)
  const server = Redacted.make(offer.url)
  const name = `playhead_${crypto.randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(
    Effect.promise(() => onServer(server, `create database ${name} template ${template ?? offer.template}`)),
    () => Effect.promise(() => onServer(server, `drop database if exists ${name} with (force)`))
  )
  return Redacted.make(databaseUrl(offer.url, name))
})

let dump: Promise<Blob> | undefined
const pgliteTemplate = Effect.promise(() => (dump ??= ask("/pglite").then((answer) => answer.blob())))

/** A database of its own with all tables and no rows, gone with its layer. Build it once for each test file. */
export const testDatabase = (engine: EngineName, settings?: Partial<DatabaseSettings>): Layer.Layer<Database> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const where =
        engine === "postgres" ? { url: yield* freshPostgres() } : { url: undefined, template: yield* pgliteTemplate }
      return Database.layer({
        dataDir: "memory://",
        poolSize: 4,
        statementTimeoutMs: 15_000,
        migrate: false,
        ...where,
        ...settings
      })
    })
  ).pipe(Layer.orDie)
