import { Migrator } from "@mikro-orm/migrations"
import { Effect } from "effect"
import { migrations } from "../../migrations/index.ts"
import type { Engine } from "./engine.ts"
import { DatabaseStartError } from "./failures.ts"

const migrationFailure = (cause: unknown) =>
  new DatabaseStartError({
    reason: "MIGRATION",
    message: `The database could not be migrated and is as it was: ${cause instanceof Error ? cause.message.replaceAll(/\s+/g, " ") : String(cause)}`,
    cause
  })

const migrating = (engine: Engine, direction: "up" | "down") =>
  Effect.tryPromise({
    try: () =>
      engine.whileMigrating(async () => {
        const connection = engine.orm.em.getConnection()
        const migrator = new Migrator(engine.orm.em)
        // Makes the table of migrations: beside the transaction, which the embedded database would wait out for ever.
        await migrator.getExecuted()
        return connection.transactional(async (transaction) => {
          // A migration may take as long as it takes.
          await connection.execute("set local statement_timeout = 0", [], "run", transaction)
          const migrations = await migrator[direction]({ transaction })
          return migrations.map(({ name }) => name)
        })
      }),
    catch: migrationFailure
  })

/** Applies every migration that is missing, all or none, and returns their names. */
export const migrateUp = Effect.fn("migrateUp")((engine: Engine) => migrating(engine, "up"))

/** Takes back the newest migration, and returns its name. */
export const migrateDown = Effect.fn("migrateDown")((engine: Engine) => migrating(engine, "down"))

/** Of this version, in their order. */
export const migrationNames: ReadonlyArray<string> = migrations.map(({ name }) => name)

export interface MigrationStatus {
  readonly name: string
  readonly appliedAt: Date | undefined
}

/** Every migration in its order, with the time at which it was applied. */
export const migrationStatus = Effect.fn("migrationStatus")(function* (engine: Engine) {
  const executed = yield* Effect.tryPromise({
    try: () => new Migrator(engine.orm.em).getExecuted(),
    catch: migrationFailure
  })
  const times = new Map(executed.map((row) => [row.name, row.executed_at]))
  return migrations.map(({ name }): MigrationStatus => ({ name, appliedAt: times.get(name) }))
})
