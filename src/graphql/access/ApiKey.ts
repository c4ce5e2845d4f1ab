import { Effect, Schema } from "effect"
import { ApiKeys } from "../../access/ApiKeys.ts"
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts"
import { Scope } from "../../domain/Viewer.ts"
import type { ApiKeyRecord } from "../../persistence/reads/apiKeys.ts"
import { answer, failsWith, read, refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { checked, text } from "../checkedInput.ts"
import { ApiKeyScopeEnum } from "../enums.ts"
import { byId, globalId } from "../ids.ts"
import { most } from "../limits.ts"
import { NodeInterface } from "../NodeInterface.ts"

const ApiKeyRef = builder.objectRef<ApiKeyRecord>("ApiKey").implement({
  description: "A key of the API. What it is itself was told once, when it was made.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id.", resolve: (key) => globalId("ApiKey", key.id) }),
    name: t.exposeString("name", { description: "What it is for." }),
    scopes: t.field({ type: [ApiKeyScopeEnum], description: "What it may do; each scope includes the lesser ones.", resolve: (key) => [...key.scopes] }),
    prefix: t.exposeString("prefix", { description: "How it begins, to tell it from others. Logs name it so." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    lastUsedAt: t.expose("lastUsedAt", { type: "DateTime", nullable: true, description: "When it was last used, to the minute; null if never." }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", nullable: true, description: "When it stops working; null for never." })
  })
})

const ApiKeyCreateSuccess = builder.objectRef<{ readonly id: string; readonly token: string }>("ApiKeyCreateSuccess").implement({
  description: "The key is made.",
  fields: (t) => ({
    apiKey: t.field({
      type: ApiKeyRef,
      description: "What is known of it.",
      resolve: async ({ id }, _, { loaders }) => await loaders.apiKey.load(id) ?? Promise.reject(refusal("NOT_FOUND", "It was revoked meanwhile."))
    }),
    token: t.exposeString("token", { description: "The key itself, shown this once: send it as `Authorization: Bearer …`." })
  })
})

const ApiKeyRevokeSuccess = builder.objectRef<{ readonly id: string }>("ApiKeyRevokeSuccess").implement({
  description: "The key works no longer, on any node, and what was open under it is closed.",
  fields: (t) => ({ id: t.exposeID("id", { description: "Of the key." }) })
})

const checkNewKey = checked(
  Schema.Struct({
    name: text("A name", 200),
    scopes: Schema.Array(Scope).check(Schema.makeFilter((scopes) => scopes.length > 0 || "A key needs a scope"))
  })
)

const createFailures = [InvalidInputError] as const
const revokeFailures = [NotFoundError] as const

builder.queryField("apiKeys", (t) =>
  t.field({
    type: [ApiKeyRef],
    extensions: { [most]: 100 },
    scope: "ADMIN",
    description: "The keys of the API, oldest first; without those that were revoked.",
    resolve: async (_, _args, context) => [...await read(Effect.flatMap(ApiKeys, (keys) => keys.list), context)]
  }))

interface NewKeyArguments {
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly expiresAt?: Date | null | undefined
}

builder.mutationFields((t) => ({
  apiKeyCreate: t.field({
    type: ApiKeyCreateSuccess,
    scope: "ADMIN",
    description: "Makes a key of the API.",
    errors: failsWith(createFailures, "ApiKeyCreateResult", "What `apiKeyCreate` comes to."),
    args: {
      name: t.arg.string({ required: true, description: "What it is for, 1 to 200 characters." }),
      scopes: t.arg({ type: [ApiKeyScopeEnum], required: true, description: "What it may do; one at least." }),
      expiresAt: t.arg({ type: "DateTime", description: "When it is to stop working; never unless given." })
    },
    resolve: answer(createFailures, (_root, { expiresAt, ...given }: NewKeyArguments, { viewer }) =>
      Effect.gen(function* () {
        const { name, scopes } = yield* checkNewKey(given)
        const keys = yield* ApiKeys
        return yield* keys.create({ name, scopes: [...new Set(scopes)], expiresAt: expiresAt ?? undefined }, viewer)
      }))
  }),
  apiKeyRevoke: t.field({
    type: ApiKeyRevokeSuccess,
    scope: "ADMIN",
    description: "Ends a key at once. Sockets and streams that were opened with it are closed, on every node.",
    errors: failsWith(revokeFailures, "ApiKeyRevokeResult", "What `apiKeyRevoke` comes to."),
    args: { id: t.arg.id({ required: true, description: "Of the key." }) },
    resolve: answer(revokeFailures, (_root, { id }: { readonly id: string }, { viewer }) =>
      byId("ApiKey", id, (keyId) => Effect.flatMap(ApiKeys, (keys) => Effect.as(keys.revoke(keyId, viewer), { id }))))
  })
}))
