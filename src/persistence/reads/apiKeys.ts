/** API keys as they are checked and shown. */
import { Effect } from "effect"
import type { Scope } from "../../domain/Viewer.ts"
import { Database } from "../Database.ts"

export interface ApiKeyRecord {
  readonly id: string
  readonly name: string
  readonly prefix: string
  /** SHA-256 of the key, hexadecimal. */
  readonly tokenHash: string
  readonly scopes: ReadonlyArray<Scope>
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly expiresAt: Date | null
}

const columns = `id, name, prefix, token_hash as "tokenHash", scopes, created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt"`

/** Oldest first. */
export const liveApiKeys = Effect.flatMap(Database, (database) =>
  database.query<ApiKeyRecord>("apiKeys.live", `select ${columns} from api_key where revoked_at is null order by id`))

/** Without revoked ones. */
export const apiKeysById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<ApiKeyRecord>("apiKeys.byId", `select ${columns} from api_key where id = any($1::uuid[]) and revoked_at is null`, [ids])
})

/** Undefined for a revoked one. */
export const apiKeyByPrefix = Effect.fnUntraced(function* (prefix: string) {
  const database = yield* Database
  const rows = yield* database.query<ApiKeyRecord>("apiKeys.byPrefix", `select ${columns} from api_key where prefix = $1 and revoked_at is null`, [prefix])
  return rows[0]
})

/** Of a key that was used lately on another node, too, the later time stays. */
export const noteApiKeyUse = Effect.fnUntraced(function* (id: string, at: Date) {
  const database = yield* Database
  yield* database.transaction((tx) => tx.query("update api_key set last_used_at = greatest(last_used_at, $2) where id = $1", [id, at]))
})
