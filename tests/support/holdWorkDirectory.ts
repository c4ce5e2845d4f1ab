/** A process of its own that makes a work directory below the given root, leaves a file in it, says so, and waits. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { WorkDirectories } from "../../src/storage/WorkDirectories.ts"

const [root = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const directories = yield* WorkDirectories
  const directory = yield* directories.make
  yield* Effect.promise(() => writeFile(join(directory, "half-done"), "bytes"))
  process.send?.(directory)
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(WorkDirectories.layer({ directory: root }).pipe(Layer.provide(SecureRandom.layerWebCrypto)))
)

// Listening keeps the process alive; nothing is ever sent.
process.on("message", () => {})
const controller = new AbortController()
process.once("SIGTERM", () => controller.abort())
await Effect.runPromiseExit(program, { signal: controller.signal })
process.disconnect()
