/** The settings of who may do what; what they come to together stands in access.ts. */
import { Schema } from "effect"
import { headerSecret, oneOf, optional, type Setting, urlText, wholeNumber } from "./setting.ts"

/** With a pair of keys, of which this server has the public one. */
export const signatureAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const
/** With one secret for both sides. */
export const sharedSecretAlgorithms = ["HS256", "HS384", "HS512"] as const

export const accessSettings = {
  auth: optional({
    name: "PLAYHEAD_AUTH",
    codec: oneOf(["none", "keys"]),
    default: "keys where `PLAYHEAD_ADMIN_KEY` or `JWT_ISSUER` is set, else none",
    allowed: "`none` or `keys`",
    meaning: "Who may use the API: with `keys` who shows an API key or a token, with `none` everybody who reaches it, so only on a loopback `HOST`",
    exposure: "plain"
  }),
  adminKey: optional({
    name: "PLAYHEAD_ADMIN_KEY",
    codec: headerSecret(8),
    allowed: "at least 8 printable characters without spaces; 32 by chance are safe",
    meaning: "A key that may do everything. Makes the first API keys, and can be taken away after that",
    exposure: "secret"
  }),
  jwtIssuer: optional({
    name: "JWT_ISSUER",
    codec: Schema.String,
    allowed: "a text, mostly an address",
    meaning: "The issuer (`iss`) whose JSON Web Tokens are accepted, too; unset: none",
    exposure: "plain"
  }),
  jwtAudience: optional({
    name: "JWT_AUDIENCE",
    codec: Schema.String,
    allowed: "a text",
    meaning: "The audience (`aud`) that a token must be for",
    exposure: "plain"
  }),
  jwtJwksUrl: optional({
    name: "JWT_JWKS_URL",
    codec: urlText(["http:", "https:"]),
    allowed: "an https:// or http:// address",
    meaning: "Where the issuer's public keys are (a JWK set); they are fetched again as they rotate. A private address must be listed in `PLAYHEAD_ALLOW_PRIVATE_SOURCES`",
    exposure: "url"
  }),
  jwtSecret: optional({
    name: "JWT_SECRET",
    codec: headerSecret(32),
    allowed: "at least 32 characters",
    meaning: "Instead of `JWT_JWKS_URL`, for the HS algorithms: the secret that the issuer shares with this server",
    exposure: "secret"
  }),
  jwtAlgorithm: optional({
    name: "JWT_ALGORITHM",
    codec: Schema.Literals([...signatureAlgorithms, ...sharedSecretAlgorithms]),
    default: "RS256; HS256 with `JWT_SECRET`",
    allowed: `one of ${[...signatureAlgorithms, ...sharedSecretAlgorithms].join(", ")}`,
    meaning: "The one algorithm by which tokens are signed, whatever they say themselves",
    exposure: "plain"
  }),
  jwtScopeClaim: {
    name: "JWT_SCOPE_CLAIM",
    codec: Schema.String.check(Schema.isPattern(/^[^\s]{1,200}$/u)),
    fallback: () => "scope",
    default: "scope",
    allowed: "a claim's name",
    meaning: "The claim that has a token's scopes, `read`, `write` or `admin`, as words in a text or as a list",
    exposure: "plain"
  } satisfies Setting<string>,
  mediaUrlMinutes: wholeNumber("MEDIA_URL_MINUTES", 360, [2, 525_600], { unit: "minutes", meaning: "How long the links to media work that the API hands out where keys are required; at least half as long" }),
  requestsPerMinute: wholeNumber("RATE_LIMIT_REQUESTS_PER_MINUTE", 1_200, [0, 1_000_000], { unit: "requests", meaning: "Requests of one key or token's owner that a process answers; 0: any number" }),
  jobsPerMinute: wholeNumber("RATE_LIMIT_JOBS_PER_MINUTE", 300, [0, 1_000_000], { unit: "jobs", meaning: "Jobs that one key or token's owner may start, on all nodes together; 0: any number" })
}
