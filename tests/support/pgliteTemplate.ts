import { Effect } from "effect"
import { migrateUp } from "../../src/persistence/migrating.ts"
import { openPglite } from "../../src/persistence/pglite.ts"

/** The data directory of a PGlite with all migrations applied, as a tar file. */
export const migratedPglite = (): Promise<Buffer> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const engine = yield* openPglite({ dataDir: "memory://", template: undefined })
        yield* migrateUp(engine)
        const dump = yield* Effect.promise(() => engine.pglite.dumpDataDir("none"))
        return Buffer.from(yield* Effect.promise(() => dump.arrayBuffer()))
      })
    )
  )
