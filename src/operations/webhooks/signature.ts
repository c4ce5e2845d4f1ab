/** Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): how a receiver can tell that a message is from us. */
import { createHmac } from "node:crypto"
import { Effect, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"

const prefix = "whsec_"
/** The specification asks for 24 to 64. */
const secretBytes = 32

/** A new secret as it is given to a receiver. */
export const makeSecret: Effect.Effect<Redacted.Redacted<string>, never, SecureRandom.SecureRandom> = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  return Redacted.make(`${prefix}${Buffer.from(yield* random.randomBytes(secretBytes)).toString("base64")}`)
})

export interface SignedMessage {
  /** Without a dot, which separates the parts of what is signed. */
  readonly id: string
  readonly at: Date
  readonly body: string
}

/** The headers that identify a message and prove its origin; the time is that of the attempt. */
export const signedHeaders = (secret: Redacted.Redacted<string>, { at, body, id }: SignedMessage): Readonly<Record<string, string>> => {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const key = Buffer.from(Redacted.value(secret).slice(prefix.length), "base64")
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` }
}
