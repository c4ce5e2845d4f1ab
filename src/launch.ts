/** The process: configuration, logging, the app, and what is said when it cannot start. See App.ts for what runs. */
import { runMain } from "@effect/platform-node/NodeRuntime"
import { Cause, Console, Effect, Exit, Layer } from "effect"
import { appLayer } from "./App.ts"
import { AppConfig } from "./Config.ts"
import { layer as logging } from "./logging.ts"
import { startFailure } from "./startup/startFailure.ts"

const program = Effect.gen(function* () {
  const config = yield* AppConfig
  return yield* Layer.launch(appLayer(config)).pipe(Effect.provide(logging({ format: config.logFormat, level: config.logLevel })))
}).pipe(
  Effect.provide(AppConfig.layer),
  Effect.tapCause((cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(startFailure(Cause.squash(cause)).line))
)

// Whoever reads the log may end first, or its disk be full: that stops no job.
for (const output of [process.stdout, process.stderr]) output.on("error", () => {})

runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : startFailure(Cause.squash(exit.cause)).exitCode)
})
