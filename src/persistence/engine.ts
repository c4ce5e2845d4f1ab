import type { AbstractSqlDriver, SqlMikroORM } from "@mikro-orm/sql"
import type { Effect, Scope } from "effect"
import { migrations } from "../../migrations/index.ts"
import { entities } from "./entities/index.ts"

export interface PoolState {
  /** Open connections. */
  readonly total: number
  readonly idle: number
  /** Callers that wait for a connection. */
  readonly waiting: number
  readonly limit: number
}

/** What one of the two databases has to offer; Database.ts makes the service of it. Promises reject with what the driver threw. */
export interface Engine {
  readonly name: "pglite" | "postgres"
  readonly orm: SqlMikroORM<AbstractSqlDriver>
  /** Prepared under the name, unless that is empty. */
  readonly query: (name: string, sql: string, params: ReadonlyArray<unknown>) => Promise<ReadonlyArray<unknown>>
  readonly executeSql: (
    text: string,
    values?: ReadonlyArray<unknown>
  ) => Promise<{ rows: Array<object>; rowCount?: number }>
  readonly listen: (channel: string, onMessage: (payload: string) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Holds a shared advisory lock under the name for as long as the process is connected; see `presenceKey`. */
  readonly bePresent: (name: string) => Effect.Effect<void>
  readonly pool: () => PoolState
  /** Runs `migrate` while no other process does so on this database. */
  readonly whileMigrating: <A>(migrate: () => Promise<A>) => Promise<A>
}

/** MikroORM's settings for either engine. Its own log is silent: what it would say arrives as an error or is of no use. */
export const ormOptions = {
  entities,
  logger: () => {},
  discovery: { warnWhenNoEntities: true },
  // Times are stored as timestamptz and read by the driver; no column needs a zone assumed.
  forceUtcTimezone: true,
  ignoreDeprecations: true,
  migrations: {
    tableName: "migration",
    migrationsList: migrations,
    snapshot: false,
    // One transaction around all of them: a failing migration leaves the database as it was.
    allOrNothing: true,
    disableForeignKeys: false
  },
  // pg-boss keeps its tables itself; functions and triggers stand in the migrations alone.
  schemaGenerator: { ignoreSchema: ["pgboss"], disableForeignKeys: false, ignoreRoutines: true, ignoreTriggers: true }
}
