import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll } from "vitest"
import { type EngineOptions, startEngine, type TestEngine } from "./jobEngine.ts"

/** Starts before the tests of a `describe` and stops behind them. */
export const useEngine = (options: EngineOptions) => {
  const scope = Scope.makeUnsafe()
  let engine: TestEngine | undefined
  beforeAll(async () => {
    engine = await Effect.runPromise(Effect.provideService(startEngine(options), Scope.Scope, scope))
  }, 120_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)
  return (): TestEngine => {
    if (engine === undefined) throw new Error("the engine has not started")
    return engine
  }
}
