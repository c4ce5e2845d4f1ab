import { Effect, Layer } from "effect"
import { Database } from "../../src/persistence/Database.ts"
import { startEngine } from "../support/jobEngine.ts"
import { holdAgainstModel, modelKind } from "../support/jobModel.ts"
import type { Scenario } from "./Scenario.ts"

/** The service itself on PGlite; what fails is printed with the shortest sequence of commands that shows it. */
export const model: Scenario = {
  name: "1,000 runs of 50 random commands against the model of the state machine",
  run: ({ seed, short = false }) => {
    const outcomes: Parameters<typeof modelKind>[0] = new Map()
    const runs = short ? 20 : 1000
    return Effect.gen(function* () {
      const database = Database.layer({ url: undefined, dataDir: "memory://", poolSize: 1, statementTimeoutMs: 15_000, migrate: true }).pipe(Layer.orDie)
      const engine = yield* startEngine({ database, kinds: [modelKind(outcomes).definition], worker: false })
      const result = yield* Effect.promise(() => holdAgainstModel(engine, outcomes, { runs, seed }).then(() => "none", String))
      return [{ figure: `illegal changes or gaps in ${runs} runs`, value: result, bar: "none", ok: result === "none" }]
    }).pipe(Effect.scoped, Effect.orDie, Effect.runPromise)
  }
}
