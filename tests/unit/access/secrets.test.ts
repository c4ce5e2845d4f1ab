import crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { hashOf, isSecretOf, makeToken, prefixOf } from "../../../src/access/secrets.ts"

const compared: Array<readonly [number, number]> = []
const { timingSafeEqual } = crypto

// Where a module is loaded already, replacing what it imports would come too late.
beforeEach(() => {
  compared.length = 0
  vi.spyOn(crypto, "timingSafeEqual").mockImplementation((a, b) => {
    compared.push([a.byteLength, b.byteLength])
    return timingSafeEqual(a, b)
  })
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

describe("a secret", () => {
  it("is known again, and nothing else is taken for it", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (secret, other) => {
      expect(isSecretOf(secret, hashOf(secret))).toBe(true)
      expect(isSecretOf(other, hashOf(secret))).toBe(other === secret)
    }))
  })

  it("is compared as a whole in constant time, wherever it is wrong and however long it is", () => {
    const hash = hashOf("playhead_0123456789ab_secret")
    const wrong = ["", "x", "Xlayhead_0123456789ab_secret", "playhead_0123456789ab_secreX", "x".repeat(10_000)]
    expect(wrong.map((secret) => isSecretOf(secret, hash))).toEqual(wrong.map(() => false))
    expect(compared).toEqual(wrong.map(() => [32, 32]))
  })

  it("is nobody's where what is kept of it is damaged", () => {
    for (const hash of ["", "ab", "not hexadecimal", hashOf("s").slice(2)]) expect(isSecretOf("s", hash)).toBe(false)
  })
})

describe("a new key", () => {
  const make = () => Effect.runSync(Effect.provide(makeToken, SecureRandom.layerWebCrypto))

  it("begins with its prefix and has 256 bits that no other has", () => {
    const keys = Array.from({ length: 200 }, make)
    for (const { prefix, token } of keys) {
      expect(token).toMatch(/^playhead_[0-9a-f]{12}_[\w-]{43}$/)
      expect(prefixOf(token)).toBe(prefix)
    }
    expect(new Set(keys.map(({ token }) => token.slice(22))).size).toBe(200)
  })

  it("is the only thing that has a prefix to look for", () => {
    const { prefix, token } = make()
    for (const text of ["", prefix, `${prefix}_`, token.toUpperCase(), ` ${token}`, `${token}\n`, `${token}_`, token.replace("_", "-")]) expect(prefixOf(text)).toBeUndefined()
  })
})
