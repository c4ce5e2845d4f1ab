import type { Effect, Redacted, Scope } from "effect"
import type { Engine } from "./engine.ts"
import type { DatabaseStartError } from "./failures.ts"
import { openPglite } from "./pglite.ts"
import { openPostgres } from "./postgres.ts"

export interface EngineSettings {
  /** Of a PostgreSQL server; undefined for the embedded database. */
  readonly url: Redacted.Redacted<string> | undefined
  /** The embedded database lives in its folder `pglite`; `memory://` keeps nothing. */
  readonly dataDir: string
  readonly poolSize: number
  readonly statementTimeoutMs: number
  /** For `memory://`: the dump of a data directory to begin with. */
  readonly template?: Blob
}

export const openEngine = (settings: EngineSettings): Effect.Effect<Engine, DatabaseStartError, Scope.Scope> =>
  settings.url === undefined
    ? openPglite({ dataDir: settings.dataDir, template: settings.template })
    : openPostgres({ url: settings.url, poolSize: settings.poolSize, statementTimeoutMs: settings.statementTimeoutMs })
