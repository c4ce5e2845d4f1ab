/** What the settings of access come to together: some are right only beside others. */
import { Redacted } from "effect"
import ipaddr from "ipaddr.js"
import { sharedSecretAlgorithms } from "./accessSettings.ts"
import type { ConfigFault } from "./faults.ts"
import type { SettingValues } from "./settings.ts"

/** Whose JSON Web Tokens are accepted. */
export interface JwtConfig {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: string
  readonly scopeClaim: string
  readonly keys: { readonly jwksUrl: string } | { readonly secret: Redacted.Redacted }
}

/** Those that were read without a fault. */
type Read = Partial<SettingValues>

const isLoopback = (host: string): boolean =>
  ipaddr.isValid(host) ? ipaddr.process(host).range() === "loopback" : host.toLowerCase() === "localhost"

export const requiredAuth = ({ adminKey, auth, jwtIssuer }: Read): "none" | "keys" => auth ?? (adminKey === undefined && jwtIssuer === undefined ? "none" : "keys")

const algorithmOf = ({ jwtAlgorithm, jwtSecret }: Read): string => jwtAlgorithm ?? (jwtSecret === undefined ? "RS256" : "HS256")

/** Of settings without faults. */
export const jwtOf = (values: SettingValues): JwtConfig | undefined => {
  const { jwtAudience, jwtIssuer, jwtJwksUrl, jwtScopeClaim, jwtSecret } = values
  if (jwtIssuer === undefined || jwtAudience === undefined) return undefined
  const common = { issuer: jwtIssuer, audience: jwtAudience, algorithm: algorithmOf(values), scopeClaim: jwtScopeClaim }
  if (jwtJwksUrl !== undefined) return { ...common, keys: { jwksUrl: jwtJwksUrl } }
  return jwtSecret === undefined ? undefined : { ...common, keys: { secret: Redacted.make(jwtSecret) } }
}

const missing = (name: string, problem: string): ConfigFault => ({ name, value: undefined, problem })

const hostFaults = (read: Read): ReadonlyArray<ConfigFault> =>
  read.host !== undefined && requiredAuth(read) === "none" && !isLoopback(read.host)
    ? [{
      name: "HOST",
      value: read.host,
      problem: "must be a loopback address such as 127.0.0.1 while PLAYHEAD_AUTH is none, or everybody on the network could use the API; to listen here, set PLAYHEAD_ADMIN_KEY or the JWT_ settings and leave PLAYHEAD_AUTH unset"
    }]
    : []

const jwtFaults = (read: Read): ReadonlyArray<ConfigFault> => {
  const { jwtAlgorithm, jwtAudience, jwtIssuer, jwtJwksUrl, jwtSecret } = read
  if (jwtIssuer === undefined && jwtAudience === undefined && jwtJwksUrl === undefined && jwtSecret === undefined) return []
  const shared = (sharedSecretAlgorithms as ReadonlyArray<string>).includes(algorithmOf(read))
  return [
    ...(jwtIssuer === undefined ? [missing("JWT_ISSUER", "must be set where tokens are to be accepted")] : []),
    ...(jwtAudience === undefined ? [missing("JWT_AUDIENCE", "must be set beside JWT_ISSUER, or tokens for other services would be accepted")] : []),
    ...((jwtJwksUrl === undefined) === (jwtSecret === undefined) ? [missing("JWT_JWKS_URL", "must be set beside JWT_ISSUER, or JWT_SECRET instead, and not both")] : []),
    ...(jwtAlgorithm !== undefined && shared && jwtJwksUrl !== undefined
      ? [{ name: "JWT_ALGORITHM", value: jwtAlgorithm, problem: "must be one with public keys, such as RS256 or ES256, beside JWT_JWKS_URL" }]
      : []),
    ...(jwtAlgorithm !== undefined && !shared && jwtSecret !== undefined ? [{ name: "JWT_ALGORITHM", value: jwtAlgorithm, problem: "must be HS256, HS384 or HS512 beside JWT_SECRET" }] : [])
  ]
}

/** What is wrong only because of another setting. Looks at the values that are right by themselves. */
export const accessFaults = (read: Read): ReadonlyArray<ConfigFault> => [...hostFaults(read), ...jwtFaults(read)]

const safeLength = 32

export const accessWarnings = (values: SettingValues): ReadonlyArray<string> => {
  const { adminKey, auth, jwtIssuer, jwtJwksUrl } = values
  return [
    ...(auth === "none" && (adminKey !== undefined || jwtIssuer !== undefined) ? ["PLAYHEAD_AUTH is none: nobody is asked for a key, and PLAYHEAD_ADMIN_KEY and JWT_ISSUER have no effect"] : []),
    ...(adminKey !== undefined && adminKey.length < safeLength ? [`PLAYHEAD_ADMIN_KEY has ${adminKey.length} characters: take ${safeLength} by chance, such as those of \`openssl rand -hex 32\``] : []),
    ...(jwtJwksUrl?.startsWith("http:") === true && !isLoopback(new URL(jwtJwksUrl).hostname.replaceAll(/^\[|\]$/gu, ""))
      ? ["JWT_JWKS_URL is not https: whoever is on the way to it can put keys of their own in its place"]
      : [])
  ]
}
