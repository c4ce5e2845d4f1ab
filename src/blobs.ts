/** `npm run blobs -- check [--mend]`: compares the files of the store with the rows that account for them. */
import { join } from "node:path"
import { runMain } from "@effect/platform-node/NodeRuntime"
import { layer as nodeServices } from "@effect/platform-node/NodeServices"
import { Cause, Console, Data, Effect, Exit, Layer } from "effect"
import { Command, Flag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import { AppConfig } from "./Config.ts"
import { Database } from "./persistence/Database.ts"
import { Blobs } from "./storage/Blobs.ts"
import { blobStoreLayer } from "./storage/blobStoreLayer.ts"
import { type BlobFault, checkBlobs, mendBlob } from "./storage/checkBlobs.ts"
import { WorkDirectories } from "./storage/WorkDirectories.ts"
import { startFailure } from "./startup/startFailure.ts"

class FaultsFound extends Data.TaggedError("FaultsFound") {}

const storage = Layer.unwrap(
  Effect.map(AppConfig, ({ databasePoolSize, databaseStatementTimeoutMs, databaseUrl, dataDir, s3 }) =>
    Blobs.layer.pipe(
      Layer.provideMerge(blobStoreLayer({ directory: join(dataDir, "blobs"), s3 })),
      Layer.provideMerge(WorkDirectories.layer({ directory: join(dataDir, "work") })),
      Layer.provideMerge(Database.layer({ url: databaseUrl, dataDir, poolSize: databasePoolSize, statementTimeoutMs: databaseStatementTimeoutMs, migrate: false })),
      Layer.provide(SecureRandom.layerWebCrypto)
    ))
).pipe(Layer.provide(AppConfig.layer))

const inWords = (fault: BlobFault): string => {
  if (fault._tag === "WithoutRow") return `${fault.sha256}  a file without a row`
  return `${fault.sha256}  a row without its file${fault.foundBytes === null ? "" : `: ${fault.foundBytes} bytes instead of ${fault.sizeBytes}`}`
}

const check = Command.make(
  "check",
  { mend: Flag.Boolean("mend").pipe(Flag.withDefault(false), Flag.withDescription("Remove files that no row knows, and what refers to files that are lost")) },
  Effect.fn(function* ({ mend }) {
    // What a crash has left for the next sweep is no fault, and is not to be counted as one.
    if (mend) yield* Effect.flatMap(Blobs, (blobs) => blobs.sweep)
    const { faults, files, rows } = yield* checkBlobs
    for (const fault of faults) {
      const lost = mend ? yield* mendBlob(fault) : 0
      yield* Console.log(`${inWords(fault)}${mend ? `; mended${lost > 0 ? `, ${lost} artifact${lost === 1 ? "" : "s"} removed` : ""}` : ""}`)
    }
    yield* Console.log(`${files} files, ${rows} rows, ${faults.length} fault${faults.length === 1 ? "" : "s"}${faults.length > 0 && !mend ? "; --mend removes them" : ""}`)
    if (faults.length > 0 && !mend) return yield* new FaultsFound()
  }, Effect.provide(storage))
).pipe(Command.withDescription("Find files without rows and rows without files"))

Command.make("blobs").pipe(
  Command.withDescription("Looks after the stored files. With the embedded database, stop the server first"),
  Command.withSubcommands([check]),
  Command.run({ version: "1" }),
  Effect.tapCause((cause) => {
    const failure = Cause.squash(cause)
    return failure instanceof FaultsFound ? Effect.void : Console.error(startFailure(failure).line)
  }),
  Effect.provide(nodeServices),
  (program) =>
    runMain(program, {
      disableErrorReporting: true,
      teardown: (exit, onExit) => {
        if (Exit.isSuccess(exit)) return onExit(0)
        const failure = Cause.squash(exit.cause)
        onExit(failure instanceof FaultsFound ? 1 : startFailure(failure).exitCode)
      }
    })
)
