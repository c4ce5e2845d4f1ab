import { MikroORM } from "@mikro-orm/postgresql"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { type Engine, ormOptions } from "./engine.ts"
import { DatabaseStartError } from "./failures.ts"
import { notifications } from "./notifications.ts"
import { releaseDeadConnections } from "./poolRepair.ts"

interface PostgresSettings {
  readonly url: Redacted.Redacted<string>
  readonly poolSize: number
  readonly statementTimeoutMs: number
}

/** int8 as a number where it is one without loss, as PGlite reads it; everything else as pg does by itself. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === pg.types.builtins.INT8 && format !== "binary") {
      return (text: string) => Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
    }
    return pg.types.getTypeParser(oid, format)
  }
}

/** Serialises the migrations of processes that start together. */
const migrationLock = 7_528_041_963

export const openPostgres = Effect.fn("openPostgres")(function*(settings: PostgresSettings) {
  const connection = {
    connectionString: Redacted.value(settings.url),
    application_name: "playhead",
    keepAlive: true,
    connectionTimeoutMillis: 10_000
  }
  let created: pg.Pool | undefined
  const orm = yield* Effect.acquireRelease(
    Effect.promise(() =>
      MikroORM.init({
        ...ormOptions,
        clientUrl: connection.connectionString,
        pool: { max: settings.poolSize },
        driverOptions: {
          ...connection,
          statement_timeout: settings.statementTimeoutMs,
          onPoolCreated: (pool: pg.Pool) => {
            created = pool
            // MikroORM reads dates and times both as text and as Date; pg-boss and the read queries want Date.
            pool.options.types = types
            releaseDeadConnections(pool)
          }
        }
      })
    ),
    (orm) => Effect.promise(() => orm.close(true))
  )
  yield* Effect.tryPromise({
    try: async () => orm.driver.execute("select 1"),
    catch: (cause) => new DatabaseStartError({ reason: "UNREACHABLE", message: `The database cannot be reached: ${String(cause)}`, cause })
  })
  const pool = created
  if (pool === undefined) return yield* Effect.die(new Error("MikroORM made no pool"))
  const listen = yield* notifications(connection)

  return {
    name: "postgres",
    orm,
    query: async (name, text, params) => (await pool.query<object>({ name, text, values: [...params] })).rows,
    executeSql: async (text, values) => {
      const result: pg.QueryResult<object> | Array<pg.QueryResult<object>> = await pool.query<object>(text, values === undefined ? undefined : [...values])
      return Array.isArray(result) ? { rows: result.flatMap(({ rows }) => rows) } : { rows: result.rows, rowCount: result.rowCount ?? 0 }
    },
    listen,
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount, limit: settings.poolSize }),
    whileMigrating: async (migrate) => {
      const client = new pg.Client(connection)
      await client.connect()
      try {
        await client.query("select pg_advisory_lock($1)", [migrationLock])
        return await migrate()
      } finally {
        await client.end()
      }
    }
  } satisfies Engine
})
