import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Redacted } from "effect"
import { migrationStatus } from "../../persistence/migrating.ts"
import { openEngine } from "../../persistence/openEngine.ts"
import type { Finding } from "./Finding.ts"

/** The database and its tables. Makes neither. */
export const database = Effect.fnUntraced(function*({ databaseUrl, dataDir }: { readonly databaseUrl: Redacted.Redacted<string> | undefined; readonly dataDir: string }) {
  const name = "database"
  if (databaseUrl === undefined && !existsSync(join(dataDir, "pglite"))) {
    return { name, state: "fit", found: "embedded PostgreSQL (PGlite), will be made at the first start" } satisfies Finding
  }
  return yield* Effect.gen(function*() {
    const engine = yield* openEngine({ url: databaseUrl, dataDir, poolSize: 1, statementTimeoutMs: 15_000 })
    const [row] = (yield* Effect.promise(() => engine.query("doctor.version", "select current_setting('server_version') as version", []))) as ReadonlyArray<{ readonly version: string }>
    const missing = (yield* migrationStatus(engine)).filter(({ appliedAt }) => appliedAt === undefined)
    return {
      name,
      state: "fit",
      found: `${engine.name === "pglite" ? "embedded PostgreSQL (PGlite)" : "PostgreSQL"} ${row?.version ?? ""}, ${missing.length === 0 ? "tables up to date" : `${missing.length} migrations to apply, which the start does`}`
    } satisfies Finding
  }).pipe(
    Effect.scoped,
    Effect.catchTag("DatabaseStartError", ({ message, reason }) =>
      Effect.succeed<Finding>(
        reason === "LOCKED"
          ? { name, state: "fit", found: "embedded PostgreSQL (PGlite), in use by a Playhead that runs" }
          : { name, state: "missing", found: "not usable", advice: `${message}.` }
      ))
  )
})
