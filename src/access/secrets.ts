/** Secrets that clients show, and what is kept of them. */
import { createHash, timingSafeEqual } from "node:crypto"
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"

/** Chosen by chance out of 2²⁵⁶, so a fast hash of it tells nothing; a slow one is for what people choose. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex")

/** Takes as long for every secret that is wrong, wherever it is. */
export const isSecretOf = (secret: string, hash: string): boolean => {
  const shown = Buffer.from(hashOf(secret), "hex")
  const known = Buffer.from(hash, "hex")
  return shown.length === known.length && timingSafeEqual(shown, known)
}

export interface NewToken {
  readonly token: string
  /** Its public part. */
  readonly prefix: string
}

const form = /^(playhead_[0-9a-f]{12})_[\w-]{43}$/

/** The prefix of what has the form of an API key. */
export const prefixOf = (token: string): string | undefined => form.exec(token)?.[1]

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url")

/** 32 bytes as text. */
export const makeSecret: Effect.Effect<string, never, SecureRandom.SecureRandom> = Effect.flatMap(SecureRandom.SecureRandom, (random) => Effect.map(random.randomBytes(32), base64url))

export const makeToken: Effect.Effect<NewToken, never, SecureRandom.SecureRandom> = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  const prefix = `playhead_${Buffer.from(yield* random.randomBytes(6)).toString("hex")}`
  return { prefix, token: `${prefix}_${yield* makeSecret}` }
})
