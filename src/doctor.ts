/** `npm run doctor`: looks at everything that Playhead needs, and says what to do about what it does not find. */
import { runMain } from "@effect/platform-node/NodeRuntime"
import { Cause, Console, Data, Effect, Exit, Result } from "effect"
import { AppConfig } from "./Config.ts"
import { examine } from "./operations/doctor/examine.ts"
import { type Finding, isFit, report } from "./operations/doctor/Finding.ts"
import { nodeFinding } from "./operations/doctor/machine.ts"
import { exitCodes, startFailure } from "./startup/startFailure.ts"

class Unfit extends Data.TaggedError("Unfit") {}

const program = Effect.gen(function*() {
  const config = yield* Effect.result(AppConfig.pipe(Effect.provide(AppConfig.layer)))
  const findings: ReadonlyArray<Finding> = Result.isSuccess(config)
    ? yield* examine(config.success)
    : [nodeFinding(process.version), { name: "settings", state: "missing", found: "wrong", advice: config.failure.message }]
  yield* Console.log(report(findings))
  if (!isFit(findings)) return yield* new Unfit()
})

runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => {
    if (Exit.isSuccess(exit)) return onExit(0)
    const failure = Cause.squash(exit.cause)
    if (failure instanceof Unfit) return onExit(exitCodes.configuration)
    process.stderr.write(`${startFailure(failure).line}\n`)
    onExit(exitCodes.bug)
  }
})
