import type { AbstractSqlDriver, SqlEntityManager, SqlMikroORM } from "@mikro-orm/sql"
import { Cause, Context, Effect, Exit, Schedule } from "effect"
import { CompiledQuery, type ControlledTransaction } from "kysely"
import { databaseDefect, type DatabaseFailure, databaseFailure } from "./failures.ts"

export interface Transaction {
  /**
   * MikroORM's unit of work, a fork of its own with this transaction open, made when first asked for. It is flushed before
   * the commit; flush it yourself before a `query` that is to see its changes.
   */
  readonly em: SqlEntityManager
  /**
   * One statement in this transaction, `$1`-style parameters. Rows are plain objects with column names as selected:
   * int8 as number where safe (else bigint), timestamptz as Date, json parsed, arrays as arrays. A JavaScript array is
   * sent as a PostgreSQL array: pass JSON as a string.
   */
  readonly query: <Row extends object>(
    sql: string,
    params?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row>>
  /**
   * One statement whose answer nobody waits for before the commit: it is sent behind the ones before it, and what comes
   * after it is sent at once. Where it fails, so does the transaction. For writes: round trips are what short
   * transactions are made of.
   */
  readonly execute: (sql: string, params?: ReadonlyArray<unknown>) => Effect.Effect<void>
  /** NOTIFY, delivered on commit. */
  readonly notify: (channel: string, payload: string) => Effect.Effect<void>
  /** Runs after a successful commit and never after a rollback; its failure is logged only. */
  readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
}

/** What passes by itself is tried six times within about five seconds. */
export const retryTransient = Schedule.exponential("150 millis").pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 5 }),
  Schedule.setInputType<DatabaseFailure>(),
  Schedule.while(({ input }) => input.transient)
)

/** The transaction whose body this fiber runs. */
const OpenTransaction = Context.Reference<{ readonly orm: SqlMikroORM<AbstractSqlDriver> | undefined; open: boolean }>(
  "playhead/persistence/OpenTransaction",
  { defaultValue: () => ({ orm: undefined, open: false }) }
)

const attempt = <A>(promise: () => Promise<A>, options?: { readonly committing: boolean }) =>
  Effect.tryPromise({ try: promise, catch: (error) => databaseFailure(error, options) })

/**
 * Rolls back and gives the connection back to the pool. It first waits for the statement in flight, if any, and lets no
 * other one follow: an interrupted body may still hold a promise (a flush, say) that would send its next statement behind
 * the ROLLBACK, on a connection that is no longer its own. Such a promise never settles, and nobody waits for it.
 */
const rollback = (context: ControlledTransaction<unknown>) =>
  attempt(
    () =>
      new Promise<void>((resolve, reject) => {
        void context.getExecutor().provideConnection(() => {
          context.rollback().execute().then(resolve, reject)
          return new Promise<never>(() => {})
        })
      })
  ).pipe(
    // The connection is dead, and so is the transaction: postgres.ts sees to its place in the pool.
    Effect.catch((failure) => Effect.logDebug("ROLLBACK failed", failure))
  )

/** Opens a transaction; where the wait for a connection is interrupted, the late arrival is rolled back. */
const begin = (orm: SqlMikroORM<AbstractSqlDriver>) =>
  Effect.callback<ControlledTransaction<unknown>, DatabaseFailure>((resume) => {
    const begun: Promise<ControlledTransaction<unknown>> = orm.em.getKysely<unknown>().startTransaction().execute()
    begun.then(
      (context) => resume(Effect.succeed(context)),
      (error) => resume(Effect.fail(databaseFailure(error)))
    )
    return Effect.sync(() => {
      begun.then(
        (context) => Effect.runFork(rollback(context)),
        () => {}
      )
    })
  })

export const transactions = (orm: SqlMikroORM<AbstractSqlDriver>) => {
  const outsideTransaction = Effect.fnUntraced(function* (what: string) {
    const current = yield* OpenTransaction
    if (current.open && current.orm === orm) {
      // The embedded database has one connection: it would wait for ever. PostgreSQL would not, until its pool is empty.
      return yield* Effect.die(
        new Error(
          `${what}: inside a transaction only that transaction may be used; pass it on or go on after its commit`
        )
      )
    }
  })

  const once = <A, E, R>(body: (tx: Transaction) => Effect.Effect<A, E, R>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const context = yield* restore(begin(orm))
        let em: SqlEntityManager | undefined
        const makeEm = (): SqlEntityManager => {
          const fork = orm.em.fork()
          fork.setTransactionContext(context)
          return fork
        }
        const marker = { orm, open: true }
        const afterCommit: Array<Effect.Effect<void>> = []
        // PostgreSQL answers a COMMIT after a failed statement by rolling back, without an error.
        let failed: DatabaseFailure | undefined
        const query: Transaction["query"] = <Row extends object>(sql: string, params: ReadonlyArray<unknown> = []) =>
          attempt(() => context.executeQuery<Row>(CompiledQuery.raw(sql, [...params]))).pipe(
            Effect.map((result) => result.rows),
            Effect.tapError((failure) =>
              Effect.sync(() => {
                failed = failure
              })
            ),
            Effect.orDie
          )
        const sent: Array<Promise<DatabaseFailure | undefined>> = []
        const execute: Transaction["execute"] = (sql, params = []) =>
          attempt(() =>
            context.getExecutor().provideConnection((connection) => {
              sent.push(connection.executeQuery(CompiledQuery.raw(sql, [...params])).then(() => undefined, databaseFailure))
              return Promise.resolve()
            })
          ).pipe(Effect.orDie)
        /** Of several failures the first is the cause: behind it the server refuses everything. */
        const sentFailure = Effect.map(
          Effect.promise(() => Promise.all(sent)),
          (outcomes) => outcomes.find((outcome) => outcome !== undefined)
        )
        const failWithFirst = (failure: DatabaseFailure) => Effect.flatMap(sentFailure, (earlier) => Effect.fail(earlier ?? failure))
        const tx: Transaction = {
          get em() {
            return (em ??= makeEm())
          },
          query,
          execute,
          notify: (channel, payload) => execute("select pg_notify($1, $2)", [channel, payload]),
          afterCommit: (effect) =>
            Effect.sync(() => {
              afterCommit.push(effect)
            })
        }

        const exit = yield* restore(Effect.suspend(() => body(tx))).pipe(
          Effect.provideService(OpenTransaction, marker),
          Effect.onExit(() =>
            Effect.sync(() => {
              marker.open = false
            })
          ),
          Effect.exit
        )
        if (Exit.isFailure(exit)) {
          yield* rollback(context)
          const failure = Cause.hasInterrupts(exit.cause) ? undefined : databaseDefect(exit.cause)
          return yield* failure === undefined ? Effect.succeed(exit) : failWithFirst(failure)
        }
        const commit =
          failed === undefined
            ? attempt(async () => em?.flush()).pipe(
                Effect.andThen(attempt(() => context.commit().execute(), { committing: true })),
                Effect.catch(failWithFirst),
                // Where the answers were lost and yet it is committed, so is what they were to tell of.
                Effect.andThen(Effect.flatMap(sentFailure, (earlier) => (earlier === undefined || earlier.connectionLost ? Effect.void : Effect.fail(earlier))))
              )
            : failWithFirst(failed)
        // A COMMIT behind a failed statement was answered, too: by a rollback.
        yield* Effect.onError(commit, () => (context.isCommitted ? Effect.void : rollback(context)))
        yield* Effect.forEach(
          afterCommit,
          (effect) =>
            Effect.catchCause(effect, (cause) => Effect.logError("What was to follow a commit failed", cause)),
          { discard: true }
        )
        return exit
      })
    )

  const transaction = Effect.fn("Database.transaction")(function* <A, E, R>(
    body: (tx: Transaction) => Effect.Effect<A, E, R>
  ) {
    yield* outsideTransaction("transaction")
    const exit = yield* once(body).pipe(Effect.retry(retryTransient), Effect.orDie)
    return yield* exit
  })

  return { transaction, outsideTransaction }
}
