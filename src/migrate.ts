/** `npm run migrate -- up|down|status`: changes the tables by hand, in the database that the server would use. */
import { runMain } from "@effect/platform-node/NodeRuntime"
import { layer as nodeServices } from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit } from "effect"
import { Command } from "effect/cli"
import { AppConfig } from "./Config.ts"
import { migrateDown, migrateUp, migrationStatus } from "./persistence/migrating.ts"
import { openEngine } from "./persistence/openEngine.ts"
import { startFailure } from "./startup/startFailure.ts"

const engine = Effect.gen(function* () {
  const { databaseUrl, dataDir } = yield* AppConfig
  return yield* openEngine({ url: databaseUrl, dataDir, poolSize: 2, statementTimeoutMs: 15_000 })
}).pipe(Effect.provide(AppConfig.layer))

const up = Command.make(
  "up",
  {},
  Effect.fn(function* () {
    const applied = yield* migrateUp(yield* engine)
    yield* Console.log(applied.length === 0 ? "Up to date" : applied.map((name) => `Applied ${name}`).join("\n"))
  }, Effect.scoped)
).pipe(Command.withDescription("Apply every migration that is missing, all or none"))

const down = Command.make(
  "down",
  {},
  Effect.fn(function* () {
    const reverted = yield* migrateDown(yield* engine)
    yield* Console.log(
      reverted.length === 0 ? "Nothing to take back" : reverted.map((name) => `Took back ${name}`).join("\n")
    )
  }, Effect.scoped)
).pipe(Command.withDescription("Take back the newest migration, and the data of what it added"))

const status = Command.make(
  "status",
  {},
  Effect.fn(function* () {
    for (const { appliedAt, name } of yield* migrationStatus(yield* engine)) {
      yield* Console.log(`${name}  ${appliedAt === undefined ? "missing" : `applied ${appliedAt.toISOString()}`}`)
    }
  }, Effect.scoped)
).pipe(Command.withDescription("List the migrations and when each was applied"))

Command.make("migrate").pipe(
  Command.withDescription(
    "Changes the tables of the database at DATABASE_URL, or of the embedded one under PLAYHEAD_DATA_DIR"
  ),
  Command.withSubcommands([up, down, status]),
  Command.run({ version: "1" }),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(nodeServices),
  (program) =>
    runMain(program, {
      disableErrorReporting: true,
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : startFailure(Cause.squash(exit.cause)).exitCode)
    })
)
