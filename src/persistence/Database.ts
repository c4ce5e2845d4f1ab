import { Context, Duration, Effect, Layer, type Scope } from "effect"
import type { Engine, PoolState } from "./engine.ts"
import { databaseFailure, type DatabaseFailure, type DatabaseStartError } from "./failures.ts"
import { migrateUp } from "./migrating.ts"
import { presenceKey } from "./notifications.ts"
import { type EngineSettings, openEngine } from "./openEngine.ts"
import { observePool } from "./poolMetrics.ts"
import { retryTransient, type Transaction, transactions } from "./transactions.ts"

export { isOutage } from "./failures.ts"
export type { Transaction } from "./transactions.ts"

export interface DatabaseSettings extends EngineSettings {
  /** Bring the tables up to date at the start. */
  readonly migrate: boolean
}

export interface DatabaseHealth {
  readonly latencyMs: number
  readonly pool: PoolState
}

/** An advisory lock of one 64-bit key shows as its two halves (PostgreSQL, "pg_locks"). */
const absentSql = `
  select name from unnest($1::text[]) as asked (name) where not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and (l.classid::int8 << 32 | l.objid::int8) = ${presenceKey("asked.name")}
  )`

/** The one way to the database, PostgreSQL or the embedded PGlite. What goes wrong with it is a `DatabaseFailure` defect. */
export class Database extends Context.Service<
  Database,
  {
    readonly engine: "pglite" | "postgres"
    /**
     * One unit of work: commits when the body succeeds, rolls back when it fails, dies or is interrupted. A typed failure
     * passes through unchanged. The body runs again when the connection was lost before the commit, or when the database
     * gave it up for the sake of another transaction: keep effects on anything but the transaction out of it (see
     * `afterCommit`). Inside it, only its transaction may be used: anything else dies at once.
     */
    readonly transaction: <A, E, R>(body: (tx: Transaction) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * A read outside any transaction; the name (unique for each statement) makes it a prepared statement on PostgreSQL.
     * One that is put together by what a client asks for is better planned for its values each time: `prepared: false`.
     */
    readonly query: <Row extends object>(
      name: string,
      sql: string,
      params?: ReadonlyArray<unknown>,
      options?: { readonly prepared: boolean }
    ) => Effect.Effect<ReadonlyArray<Row>>
    /**
     * Calls `onMessage` for each NOTIFY on the channel, and with "" once listening has begun and after each reconnection,
     * because something may have been missed. Lasts as long as the scope.
     */
    readonly listen: (channel: string, onMessage: (payload: string) => void) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Lets every process on this database see that this one lives, under a name, until its listening connection ends: at
     * once when it is killed. While that connection comes back after a loss, it looks absent for a moment.
     */
    readonly bePresent: (name: string) => Effect.Effect<void>
    /** Those of the names under which nobody is present. */
    readonly absent: (names: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>>
    readonly health: Effect.Effect<DatabaseHealth, DatabaseFailure>
    /**
     * For pg-boss: its statements, some of them several in one text, on this database's own pool. Rejects with a
     * `DatabaseFailure`. On the embedded database, awaiting it inside a transaction's body waits for ever.
     */
    readonly executeSql: Engine["executeSql"]
  }
>()("playhead/persistence/Database") {
  static readonly layer = (settings: DatabaseSettings): Layer.Layer<Database, DatabaseStartError> =>
    Layer.effect(
      Database,
      Effect.gen(function* () {
        const engine = yield* openEngine(settings)
        if (settings.migrate) yield* migrateUp(engine)
        yield* observePool(engine.pool)

        const { transaction, outsideTransaction } = transactions(engine.orm)
        const read = (name: string, sql: string, params: ReadonlyArray<unknown>) =>
          Effect.tryPromise({ try: () => engine.query(name, sql, params), catch: (error) => databaseFailure(error) })

        // The busiest path there is: without a span of its own, which costs some 10 µs beside the 60 µs of the driver.
        const query = Effect.fnUntraced(function* <Row extends object>(
          name: string,
          sql: string,
          params: ReadonlyArray<unknown> = [],
          options: { readonly prepared: boolean } = { prepared: true }
        ) {
          yield* outsideTransaction(`query ${name}`)
          const rows = yield* read(options.prepared ? name : "", sql, params).pipe(Effect.retry(retryTransient), Effect.orDie)
          // The caller knows its columns.
          return rows as ReadonlyArray<Row>
        })

        return Database.of({
          engine: engine.name,
          transaction,
          query,
          listen: Effect.fn("Database.listen")((channel, onMessage) =>
            Effect.andThen(outsideTransaction(`listen ${channel}`), engine.listen(channel, onMessage))
          ),
          bePresent: Effect.fn("Database.bePresent")((name) =>
            Effect.andThen(outsideTransaction("bePresent"), engine.bePresent(name))
          ),
          absent: (names) =>
            Effect.map(query<{ name: string }>("absent", absentSql, [names]), (rows) => rows.map(({ name }) => name)),
          health: read("health", "select 1", []).pipe(
            Effect.timed,
            Effect.map(([elapsed]) => ({ latencyMs: Duration.toMillis(elapsed), pool: engine.pool() }))
          ),
          executeSql: (text, values) =>
            engine.executeSql(text, values).catch((error) => Promise.reject(databaseFailure(error)))
        })
      })
    )
}
