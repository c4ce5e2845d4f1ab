/** JSON Web Tokens (RFC 7519) of one issuer, for one audience, by one algorithm: what a token says of these decides nothing. */
import { Clock, Effect, type Redacted, Redacted as Secret } from "effect"
import { errors, type JWTPayload, jwtVerify, type LocalJWKSet } from "jose"
import type { ProviderError } from "../domain/errors.ts"
import { highestOf, Scope, type Viewer } from "../domain/Viewer.ts"
import type { OutboundHttp } from "../providers/outbound/OutboundHttp.ts"
import { makeKeySet } from "./KeySet.ts"
import { Unauthenticated } from "./Unauthenticated.ts"

export interface JwtSettings {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: string
  /** The claim that names scopes: words in one text, or a list of them. */
  readonly scopeClaim: string
  /** Where the issuer's public keys are, or the secret that it shares with us. */
  readonly keys: { readonly jwksUrl: string } | { readonly secret: Redacted.Redacted }
}

export type CheckToken = (token: string) => Effect.Effect<Viewer, Unauthenticated | ProviderError>

/** Three parts between dots: nothing else that is shown here looks like it. */
export const looksLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)

/** `read`, `WRITE` and `playhead:admin` are scopes of ours; whatever else a token allows is not our business. */
const scopesIn = (claim: unknown): ReadonlyArray<Scope> => {
  const words = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim.filter((word) => typeof word === "string") : []
  const named = new Set(words.map((word) => word.toUpperCase().replace(/^PLAYHEAD:/, "")))
  return Scope.literals.filter((scope) => named.has(scope))
}

const viewerOf = (payload: JWTPayload, scopeClaim: string): Viewer => ({
  name: `token of ${payload.sub ?? "somebody"}`,
  scope: highestOf(scopesIn(payload[scopeClaim])),
  keyId: undefined,
  expiresAt: new Date((payload.exp ?? 0) * 1000)
})

const refused = (error: unknown): Unauthenticated =>
  new Unauthenticated({
    message: error instanceof errors.JWTExpired ? "The token has expired. Get a new one." : "The token is not valid here. Get one of the configured issuer, for this server."
  })

/** How tokens are checked: signature by the configured algorithm, issuer, audience, not before, and the expiry that each must have. */
export const makeCheckToken = Effect.fnUntraced(function* (settings: JwtSettings): Effect.fn.Return<CheckToken, never, OutboundHttp> {
  const { algorithm, audience, issuer, scopeClaim } = settings
  const verify = (token: string, key: LocalJWKSet | Uint8Array) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const options = { algorithms: [algorithm], issuer, audience, requiredClaims: ["exp"], currentDate: new Date(now) }
      // Two calls, because the library has a signature for each kind of key.
      return Effect.tryPromise({
        try: () => (key instanceof Uint8Array ? jwtVerify(token, key, options) : jwtVerify(token, key, options)),
        catch: (error) => error
      })
    })

  if ("secret" in settings.keys) {
    const secret = new TextEncoder().encode(Secret.value(settings.keys.secret))
    return (token) =>
      verify(token, secret).pipe(
        Effect.mapError(refused),
        Effect.map(({ payload }) => viewerOf(payload, scopeClaim))
      )
  }

  const keySet = yield* makeKeySet(settings.keys.jwksUrl)
  return Effect.fnUntraced(function* (token: string) {
    const known = yield* keySet.current
    const verified = yield* verify(token, known).pipe(
      Effect.catch((error) =>
        Effect.gen(function* () {
          // A key that the issuer has taken up since.
          const renewed = error instanceof errors.JWKSNoMatchingKey ? yield* keySet.renewed : undefined
          if (renewed === undefined) return yield* refused(error)
          return yield* Effect.mapError(verify(token, renewed), refused)
        })
      )
    )
    return viewerOf(verified.payload, scopeClaim)
  })
})
