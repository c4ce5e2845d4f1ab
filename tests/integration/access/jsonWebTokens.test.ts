import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { base64url, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose"
import { afterAll, beforeAll } from "vitest"
import { type JwtSettings, makeCheckToken } from "../../../src/access/JsonWebTokens.ts"
import { OutboundHttp } from "../../../src/providers/outbound/OutboundHttp.ts"

const issuer = "https://login.example/"
const audience = "playhead"
const first = await generateKeyPair("RS256", { extractable: true })
const second = await generateKeyPair("RS256", { extractable: true })
const stranger = await generateKeyPair("RS256")
const jwkOf = async (key: CryptoKey, kid: string): Promise<JWK> => ({ ...(await exportJWK(key)), kid, alg: "RS256", use: "sig" })
const firstJwk = await jwkOf(first.publicKey, "first")
const secondJwk = await jwkOf(second.publicKey, "second")

/** An issuer on a real socket. */
let keys: ReadonlyArray<JWK> = []
let status = 200
let fetches = 0
let server: Server
let jwksUrl = ""
beforeAll(async () => {
  server = createServer((_request, response) => {
    fetches += 1
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
})
afterAll(() => server.close())

interface Claims {
  readonly [claim: string]: unknown
}

const standard: Claims = { iss: issuer, aud: audience, sub: "ann", scope: "openid read write", exp: 3_600 }
const sign = (claims: Claims = {}, key: CryptoKey | Uint8Array = first.privateKey, header: { readonly alg: string; readonly kid?: string } = { alg: "RS256", kid: "first" }) =>
  Effect.promise(() => new SignJWT({ ...standard, ...claims }).setProtectedHeader(header).sign(key))

const outbound = OutboundHttp.layer({ allowedSources: [{ host: "127.0.0.1", port: undefined }] })
const checker = (settings: Partial<JwtSettings> = {}) => {
  keys = [firstJwk]
  status = 200
  fetches = 0
  return makeCheckToken({ issuer, audience, algorithm: "RS256", scopeClaim: "scope", keys: { jwksUrl }, ...settings }).pipe(Effect.provide(outbound))
}

describe("a JSON Web Token", () => {
  it.effect("says who asks, what they may do, and until when", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      expect(yield* check(yield* sign())).toEqual({ name: "token of ann", scope: "WRITE", keyId: undefined, expiresAt: new Date(3_600_000) })
      expect(fetches).toBe(1)
      yield* check(yield* sign())
      expect(fetches).toBe(1)
    }))

  it.effect.each([
    ["read", "READ"], ["openid profile", undefined], ["ADMIN", "ADMIN"], ["playhead:write", "WRITE"], [["read", "admin"], "ADMIN"], [["administrator", 7], undefined], [undefined, undefined], ["readwrite", undefined]
  ] as const)("with the scopes %o may %s", ([scope, expected]) =>
    Effect.gen(function* () {
      const check = yield* checker()
      expect((yield* check(yield* sign({ scope }))).scope).toBe(expected)
    }))

  it.effect("names its scopes in the claim that the settings say, and in no other", () =>
    Effect.gen(function* () {
      const check = yield* checker({ scopeClaim: "permissions" })
      expect((yield* check(yield* sign({ scope: "admin", permissions: ["read"] }))).scope).toBe("READ")
    }))

  it.effect.each([
    ["of another issuer", { iss: "https://evil.example/" }],
    ["without an issuer", { iss: undefined }],
    ["for another audience", { aud: "someone-else" }],
    ["for nobody in particular", { aud: undefined }],
    ["that has expired", { exp: -1 }],
    ["that expires now", { exp: 0 }],
    ["that never expires", { exp: undefined }],
    ["that is not valid yet", { nbf: 10 }]
  ] as const)("%s lets nobody in", ([, claims]) =>
    Effect.gen(function* () {
      const check = yield* checker()
      expect((yield* Effect.flip(check(yield* sign(claims))))._tag).toBe("Unauthenticated")
    }))

  it.effect("lets nobody in under an algorithm that it chose itself", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      const unsigned = (alg: string) => `${base64url.encode(JSON.stringify({ alg, kid: "first" }))}.${base64url.encode(JSON.stringify(standard))}.`
      const pem = new TextEncoder().encode(yield* Effect.promise(() => exportSPKI(first.publicKey)))
      const modulus = base64url.decode(firstJwk.n ?? "")
      const [signedHead = "", , signature = ""] = (yield* sign()).split(".")
      for (const token of [
        unsigned("none"), unsigned("None"), unsigned("RS256"),
        yield* sign({}, pem, { alg: "HS256", kid: "first" }),
        yield* sign({}, modulus, { alg: "HS256", kid: "first" }),
        yield* sign({}, stranger.privateKey),
        yield* Effect.promise(async () => new SignJWT({ ...standard }).setProtectedHeader({ alg: "PS256", kid: "first" }).sign((await generateKeyPair("PS256")).privateKey)),
        `${signedHead}.${base64url.encode(JSON.stringify({ ...standard, scope: "admin" }))}.${signature}`,
        `${yield* sign()}x`
      ]) expect([token, (yield* Effect.flip(check(token)))._tag]).toEqual([token, "Unauthenticated"])
    }))

  it.effect("lets nobody in by a key of its own", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      const own = yield* Effect.promise(() => jwkOf(stranger.publicKey, "own"))
      const token = yield* Effect.promise(() => new SignJWT({ ...standard }).setProtectedHeader({ alg: "RS256", jwk: own, jku: jwksUrl, kid: "own" }).sign(stranger.privateKey))
      expect((yield* Effect.flip(check(token)))._tag).toBe("Unauthenticated")
    }))

  it.effect("is good no longer than it says", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      const token = yield* sign({ exp: 60 })
      yield* TestClock.adjust("59 seconds")
      expect((yield* check(token)).name).toBe("token of ann")
      yield* TestClock.adjust("1 second")
      expect((yield* Effect.flip(check(token))).message).toContain("expired")
    }))

  it.effect("may be signed with a key that the issuer has taken up since, but unknown keys do not make us fetch again and again", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      yield* check(yield* sign())
      const rotated = yield* sign({}, second.privateKey, { alg: "RS256", kid: "second" })
      keys = [secondJwk]
      // What was fetched just before is not fetched again.
      expect((yield* Effect.flip(check(rotated)))._tag).toBe("Unauthenticated")
      expect(fetches).toBe(1)
      yield* TestClock.adjust("31 seconds")
      expect((yield* check(rotated)).name).toBe("token of ann")
      expect(fetches).toBe(2)
      // The key that was taken away is good no longer.
      expect((yield* Effect.flip(check(yield* sign())))._tag).toBe("Unauthenticated")
      for (let n = 0; n < 20; n++) yield* Effect.flip(check(yield* sign({}, stranger.privateKey, { alg: "RS256", kid: `k${n}` })))
      expect(fetches).toBe(2)
    }))

  it.effect("is checked with the keys that are known while the issuer is out of order", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      const token = yield* sign()
      yield* check(token)
      status = 500
      yield* TestClock.adjust("11 minutes")
      expect((yield* check(token)).name).toBe("token of ann")
      expect(fetches).toBe(2)
      yield* check(token)
      expect(fetches).toBe(2)
    }))

  it.effect("cannot be checked, and is not refused, before the issuer's keys were ever fetched", () =>
    Effect.gen(function* () {
      const check = yield* checker()
      status = 503
      expect(yield* Effect.flip(check(yield* sign()))).toMatchObject({ _tag: "ProviderError", reason: "UNAVAILABLE" })
      status = 200
      expect((yield* check(yield* sign())).name).toBe("token of ann")
    }))

  it.effect("is fetched for through the guard of outgoing requests", () =>
    Effect.gen(function* () {
      const check = yield* makeCheckToken({ issuer, audience, algorithm: "RS256", scopeClaim: "scope", keys: { jwksUrl } }).pipe(Effect.provide(OutboundHttp.layer({ allowedSources: [] })))
      const before = fetches
      expect((yield* Effect.flip(check(yield* sign())))._tag).toBe("ProviderError")
      expect(fetches).toBe(before)
    }))

  it.effect("can be signed with a shared secret where that is what the settings say", () =>
    Effect.gen(function* () {
      const secret = "a secret of thirty-two characters, or more"
      const check = yield* checker({ algorithm: "HS256", keys: { secret: Redacted.make(secret) } })
      const bytes = new TextEncoder().encode(secret)
      expect((yield* check(yield* sign({}, bytes, { alg: "HS256" }))).scope).toBe("WRITE")
      for (const token of [yield* sign({}, new TextEncoder().encode(`${secret}!`), { alg: "HS256" }), yield* sign({}, bytes, { alg: "HS384" }), yield* sign()]) {
        expect((yield* Effect.flip(check(token)))._tag).toBe("Unauthenticated")
      }
    }))
})
