/** Where values come from: the environment, then `.env`. */
import { availableParallelism } from "node:os"
import { resolve } from "node:path"
import { layer as nodeFileSystem } from "@effect/platform-node/NodeFileSystem"
import { ConfigProvider, Effect } from "effect"
import { ConfigFaults } from "./faults.ts"
import type { Machine } from "./setting.ts"

export interface Surroundings extends Machine {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The contents of `.env`, if there is one. */
  readonly dotEnv: ConfigProvider.ConfigProvider | undefined
  /** Relative paths start here. */
  readonly workingDirectory: string
}

const readDotEnv = (file: string): Effect.Effect<ConfigProvider.ConfigProvider | undefined, ConfigFaults> =>
  ConfigProvider.fromDotEnv({ path: file }).pipe(
    Effect.catch((error) =>
      error.reason._tag === "NotFound"
        ? Effect.succeed(undefined)
        : Effect.fail(new ConfigFaults({ faults: [{ name: file, value: undefined, problem: "cannot be read; make it a file that this user may read, or remove it" }] }))),
    Effect.provide(nodeFileSystem)
  )

/** Those of this process. */
export const processSurroundings: Effect.Effect<Surroundings, ConfigFaults> = Effect.gen(function*() {
  const workingDirectory = process.cwd()
  return {
    environment: process.env,
    dotEnv: yield* readDotEnv(resolve(workingDirectory, ".env")),
    workingDirectory,
    cores: availableParallelism(),
    isTerminal: process.stdout.isTTY
  }
})

/** The environment wins, also with an empty value, which counts as unset. */
export const provider = ({ dotEnv, environment }: Pick<Surroundings, "dotEnv" | "environment">): ConfigProvider.ConfigProvider => {
  const variables = ConfigProvider.fromEnvRecord(environment)
  return ConfigProvider.make((path) => (Object.hasOwn(environment, path.join("_")) || dotEnv === undefined ? variables : dotEnv).load(path))
}
