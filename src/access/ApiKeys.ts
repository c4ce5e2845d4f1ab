/** The keys of the API: made here, shown once, kept as hashes. */
import { Clock, Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { InvalidInputError, NotFoundError } from "../domain/errors.ts"
import type { Scope, Viewer } from "../domain/Viewer.ts"
import { Database } from "../persistence/Database.ts"
import { type ApiKeyRecord, liveApiKeys } from "../persistence/reads/apiKeys.ts"
import { makeKeyring } from "./keyring.ts"
import { hashOf, makeToken } from "./secrets.ts"

export interface NewApiKey {
  /** Checked by whoever calls: see graphql/access. */
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly expiresAt: Date | undefined
}

/** Tells every node which key was revoked, by its id. */
const channel = "playhead_api_key"

export class ApiKeys extends Context.Service<ApiKeys, {
  /** The token is the key itself; nobody can be told of it again. */
  readonly create: (key: NewApiKey, by: Viewer) => Effect.Effect<{ readonly id: string; readonly token: string }, InvalidInputError>
  /** Ends a key at once, on every node. A NotFoundError, if there is none or it was revoked before. */
  readonly revoke: (id: string, by: Viewer) => Effect.Effect<void, NotFoundError>
  /** Those that were not revoked, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<ApiKeyRecord>>
  /** The key that this is the token of, unless it was revoked; expired ones too. Notes that it was used. */
  readonly find: (token: string) => Effect.Effect<ApiKeyRecord | undefined>
  /** Comes to its end when the key is revoked, on whichever node. */
  readonly revoked: (id: string) => Effect.Effect<void>
}>()("playhead/access/ApiKeys") {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const database = yield* Database
      const random = yield* SecureRandom.SecureRandom
      const keyring = yield* makeKeyring
      yield* database.listen(channel, keyring.forget)

      const create = Effect.fn("ApiKeys.create")(function* ({ expiresAt, name, scopes }: NewApiKey, by: Viewer) {
        const now = new Date(yield* Clock.currentTimeMillis)
        if (expiresAt !== undefined && expiresAt <= now) {
          const message = "A key must expire in the future"
          return yield* new InvalidInputError({ message: `The input is not valid: ${message}.`, issues: [{ path: ["expiresAt"], message }] })
        }
        const { prefix, token } = yield* Effect.provideService(makeToken, SecureRandom.SecureRandom, random)
        const id = yield* random.uuidV7()
        yield* database.transaction((tx) =>
          tx.query(
            "insert into api_key (id, name, prefix, token_hash, scopes, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)",
            [id, name, prefix, hashOf(token), [...scopes], now, expiresAt ?? null]
          )
        )
        yield* Effect.logInfo(`An API key was made: ${prefix}`).pipe(Effect.annotateLogs({ scopes: scopes.join(","), by: by.name }))
        return { id, token }
      })

      const revoke = Effect.fn("ApiKeys.revoke")(function* (id: string, by: Viewer) {
        const now = new Date(yield* Clock.currentTimeMillis)
        const [revoked] = yield* database.transaction((tx) =>
          Effect.tap(
            tx.query<{ prefix: string }>("update api_key set revoked_at = $2 where id = $1 and revoked_at is null returning prefix", [id, now]),
            (rows) => (rows.length > 0 ? tx.notify(channel, id) : Effect.void)
          )
        )
        if (revoked === undefined) return yield* new NotFoundError({ message: "There is no such API key, or it was revoked before.", id })
        // The announcement comes to this node, too, but perhaps after the answer.
        keyring.forget(id)
        yield* Effect.logInfo(`An API key was revoked: ${revoked.prefix}`).pipe(Effect.annotateLogs({ by: by.name }))
      })

      const withDatabase = Effect.provideService(Database, database)
      return ApiKeys.of({ create, revoke, list: withDatabase(liveApiKeys), find: keyring.find, revoked: keyring.revoked })
    })
  )
}
