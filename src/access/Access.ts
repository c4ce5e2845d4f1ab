/** Who asks. One answer for every transport, from what the client shows: the key of the settings, an API key or a token. */
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import type { ProviderError } from "../domain/errors.ts"
import { everybody, highestOf, type Viewer } from "../domain/Viewer.ts"
import type { OutboundHttp } from "../providers/outbound/OutboundHttp.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { type JwtSettings, looksLikeToken, makeCheckToken } from "./JsonWebTokens.ts"
import { hashOf, isSecretOf } from "./secrets.ts"
import { Unauthenticated } from "./Unauthenticated.ts"

export interface AccessSettings {
  /** With `none` nobody is asked who they are, and everybody may do everything. */
  readonly auth: "none" | "keys"
  /** A key with every scope that needs no database: with it the first keys are made. */
  readonly adminKey: Redacted.Redacted | undefined
  readonly jwt: JwtSettings | undefined
}

const nothingShown = () => new Unauthenticated({ message: "Say who asks: send an API key or a token as `Authorization: Bearer …`, on a WebSocket as `authorization` in connectionParams." })
const unknownKey = () => new Unauthenticated({ message: "This key is not known here, or was revoked. Ask for another one." })
const expiredKey = () => new Unauthenticated({ message: "This API key has expired. Ask for another one." })

/** How something came to its end that a client may go on with only under another key. */
export type Ending = "expired" | "revoked"

export class Access extends Context.Service<Access, {
  /** Whether anybody is asked who they are. */
  readonly required: boolean
  /** Who shows this. A ProviderError where the keys of the issuer of tokens cannot be had. */
  readonly authenticate: (shown: string | undefined) => Effect.Effect<Viewer, Unauthenticated | ProviderError>
  /** Comes to its end when what a viewer has shown stops being valid, on whichever node it is revoked. */
  readonly ended: (viewer: Viewer) => Effect.Effect<Ending>
}>()("playhead/access/Access") {
  static readonly layer = ({ adminKey, auth, jwt }: AccessSettings): Layer.Layer<Access, never, ApiKeys | OutboundHttp> =>
    Layer.effect(
      Access,
      Effect.gen(function* () {
        const keys = yield* ApiKeys
        const checkToken = jwt === undefined ? undefined : yield* makeCheckToken(jwt)
        const adminHash = adminKey === undefined ? undefined : hashOf(Redacted.value(adminKey))
        const admin: Viewer = { name: "PLAYHEAD_ADMIN_KEY", scope: "ADMIN", keyId: undefined, expiresAt: undefined }

        const authenticate = Effect.fn("Access.authenticate")(function* (shown: string | undefined) {
          if (auth === "none") return everybody
          if (shown === undefined || shown === "") return yield* nothingShown()
          if (adminHash !== undefined && isSecretOf(shown, adminHash)) return admin
          if (checkToken !== undefined && looksLikeToken(shown)) return yield* checkToken(shown)
          const key = yield* keys.find(shown)
          if (key === undefined) return yield* unknownKey()
          if (key.expiresAt !== null && key.expiresAt.getTime() <= (yield* Clock.currentTimeMillis)) return yield* expiredKey()
          return { name: key.prefix, scope: highestOf(key.scopes), keyId: key.id, expiresAt: key.expiresAt ?? undefined }
        })

        const expired = (at: Date) => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.as(Effect.sleep(at.getTime() - now), "expired" as const))
        const ended = ({ expiresAt, keyId }: Viewer): Effect.Effect<Ending> =>
          Effect.raceFirst(
            expiresAt === undefined ? Effect.never : expired(expiresAt),
            keyId === undefined ? Effect.never : Effect.as(keys.revoked(keyId), "revoked" as const)
          )

        return Access.of({ required: auth !== "none", authenticate, ended })
      })
    )
}
