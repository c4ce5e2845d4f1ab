import { MikroORM } from "@mikro-orm/postgresql"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { learnCommitFates } from "./commitFate.ts"
import { type Engine, ormOptions } from "./engine.ts"
import { databaseFailure, DatabaseStartError } from "./failures.ts"
import { notifications } from "./notifications.ts"
import { writeTogether } from "./oneWrite.ts"
import { releaseDeadConnections } from "./poolRepair.ts"
import { prepareRepeated } from "./preparedStatements.ts"
import { makeTimeParser } from "./times.ts"

interface PostgresSettings {
  readonly url: Redacted.Redacted<string>
  readonly poolSize: number
  readonly statementTimeoutMs: number
}

/** int8 as a number where it is one without loss, as PGlite reads it; times as pg reads them, but faster; everything else as pg does by itself. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, (text: string) =>
  Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
)

types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, makeTimeParser(pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => Date))

/** Serialises the migrations of processes that start together. */
const migrationLock = 7_528_041_963

interface Result {
  readonly rows: ReadonlyArray<object>
  readonly rowCount: number | null
}
type OneOrMore = Result | ReadonlyArray<Result>

/** Names the server and never the password. */
const startError = (url: Redacted.Redacted<string>, cause: unknown) => {
  const { sqlState, message } = databaseFailure(cause)
  const { hostname, port, pathname, username } = new URL(Redacted.value(url))
  const server = `${hostname}:${port === "" ? "5432" : port}`
  const [reason, what] =
    sqlState?.startsWith("28") === true
      ? ([
          "CREDENTIALS",
          `The database server ${server} refuses the user ${decodeURIComponent(username)} (${message}); correct DATABASE_URL`
        ] as const)
      : sqlState === "3D000"
        ? ([
            "UNKNOWN_DATABASE",
            `The database server ${server} has no database ${decodeURIComponent(pathname.slice(1))}; create it or correct DATABASE_URL`
          ] as const)
        : ([
            "UNREACHABLE",
            `The database server ${server} cannot be reached (${message}); start it or correct DATABASE_URL`
          ] as const)
  return new DatabaseStartError({ reason, message: what.replaceAll(/\s+/g, " "), cause })
}

/** PostgreSQL, through the pool that MikroORM makes. */
export const openPostgres = Effect.fn("openPostgres")(function* (settings: PostgresSettings) {
  if (!URL.canParse(Redacted.value(settings.url))) {
    return yield* new DatabaseStartError({
      reason: "UNREACHABLE",
      message: "DATABASE_URL is not an address such as postgresql://user:password@host:5432/database"
    })
  }
  const connection = {
    connectionString: Redacted.value(settings.url),
    application_name: "playhead",
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 10_000,
    // A statement is sent when it is asked for, not when the one before it is answered.
    pipeline: true
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
            writeTogether(pool)
            prepareRepeated(pool)
            learnCommitFates(pool)
          }
        }
      })
    ),
    (orm) => Effect.promise(() => orm.close(true))
  )
  yield* Effect.tryPromise({
    try: () => orm.driver.execute("select 1"),
    catch: (cause) => startError(settings.url, cause)
  })
  const pool = created
  if (pool === undefined) return yield* Effect.die(new Error("MikroORM made no pool"))
  const { listen, bePresent } = yield* notifications(connection)

  return {
    name: "postgres",
    orm,
    query: async (name, text, params) => (await pool.query<object>({ name, text, values: [...params] })).rows,
    executeSql: async (text, values) => {
      // pg answers several statements in one text with an array, which its types do not tell.
      const result: OneOrMore = await pool.query(text, values === undefined ? undefined : [...values])
      const results: ReadonlyArray<Result> = "rows" in result ? [result] : result
      return { rows: results.flatMap(({ rows }) => rows), rowCount: results.at(-1)?.rowCount ?? 0 }
    },
    listen,
    bePresent,
    pool: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      limit: settings.poolSize
    }),
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
