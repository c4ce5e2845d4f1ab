import { Effect } from "effect"
import type { Engine } from "./engine.ts"
import { DatabaseStartError } from "./failures.ts"
import { Migrator } from "@mikro-orm/migrations"

const migrator = (engine: Engine) => new Migrator(engine.orm.em)

const migrating = <A>(engine: Engine, migrate: (migrator: Migrator) => Promise<A>) =>
  Effect.tryPromise({
    try: () => engine.whileMigrating(() => migrate(migrator(engine))),
    catch: (cause) =>
      new DatabaseStartError({
        reason: "MIGRATION",
        message: `The database could not be migrated: ${cause instanceof Error ? cause.message.replaceAll(/\s+/g, " ") : String(cause)}`,
        cause
      })
  })

/** Applies every migration that is missing, all or none, and returns their names. */
export const migrateUp = Effect.fn("migrateUp")((engine: Engine) =>
  Effect.map(migrating(engine, (migrator) => migrator.up()), (applied) => applied.map(({ name }) => name))
)

/** Takes back the newest migration, and returns its name. */
export const migrateDown = Effect.fn("migrateDown")((engine: Engine) =>
  Effect.map(migrating(engine, (migrator) => migrator.down()), (reverted) => reverted.map(({ name }) => name))
)

export interface MigrationStatus {
  readonly name: string
  readonly appliedAt: Date | undefined
}

/** Every migration in its order, with the time at which it was applied. */
export const migrationStatus = Effect.fn("migrationStatus")((engine: Engine) =>
  migrating(engine, async (migrator): Promise<ReadonlyArray<MigrationStatus>> => {
    const executed = await migrator.getExecuted()
    const pending = await migrator.getPending()
    return [
      ...executed.map((row) => ({ name: row.name, appliedAt: row.executed_at })),
      ...pending.map(({ name }) => ({ name, appliedAt: undefined }))
    ]
  })
)
