import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import type { Scope } from "../../domain/Viewer.ts"

/** A key of the API. The key itself is known only to whoever was given it. */
export const ApiKeyEntity = defineEntity({
  name: "ApiKey",
  tableName: "api_key",
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    /** How the key begins: what it is found by, and what people tell it by. */
    prefix: p.text().unique("api_key_prefix_unique"),
    /** SHA-256 of the whole key, hexadecimal. */
    tokenHash: p.text(),
    scopes: p.array<Scope>(),
    createdAt: p.datetime(3),
    /** To the minute. */
    lastUsedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3).nullable(),
    /** Revoked keys stay, so that a log that names one can be understood. */
    revokedAt: p.datetime(3).nullable()
  }
})
export type ApiKeyEntity = InferEntity<typeof ApiKeyEntity>
