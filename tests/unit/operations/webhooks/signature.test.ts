import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { Webhook } from "standardwebhooks"
import { makeSecret, signedHeaders } from "../../../../src/operations/webhooks/signature.ts"

describe("a signature", () => {
  it("2.1 is that of the published example", () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    const headers = signedHeaders(Redacted.make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      at: new Date(1_614_265_330_000),
      body: `{"test": 2432232314}`
    })
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    })
  })

  it.effect("2.1 is accepted by the reference library for any text, and for no other text, id or secret", () =>
    Effect.gen(function* () {
      const secret = yield* makeSecret
      const message = { id: "V2ViaG9vaw", at: new Date(), body: JSON.stringify({ title: "Ünïcødé 🎧\u2028" }) }
      const headers = { ...signedHeaders(secret, message) }
      const webhook = new Webhook(Redacted.value(secret))
      expect(webhook.verify(message.body, headers)).toEqual({ title: "Ünïcødé 🎧\u2028" })
      expect(() => webhook.verify(`${message.body} `, headers)).toThrow("No matching signature")
      expect(() => webhook.verify(message.body, { ...headers, "webhook-id": "another" })).toThrow("No matching signature")
      const other = new Webhook(Redacted.value(yield* makeSecret))
      expect(() => other.verify(message.body, headers)).toThrow("No matching signature")
    }).pipe(Effect.provide(SecureRandom.layerWebCrypto)))

  it.effect("is made with a secret of 32 random bytes that prints as nothing", () =>
    Effect.gen(function* () {
      const secrets = yield* Effect.all([makeSecret, makeSecret])
      for (const secret of secrets) {
        expect(Redacted.value(secret)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
        expect(JSON.stringify({ secret })).not.toContain("whsec_")
      }
      expect(new Set(secrets.map(Redacted.value)).size).toBe(2)
    }).pipe(Effect.provide(SecureRandom.layerWebCrypto)))
})
