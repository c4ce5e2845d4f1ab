import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Access } from "../../../src/access/Access.ts"
import { MediaLinks } from "../../../src/access/MediaLinks.ts"
import { everybody } from "../../../src/domain/Viewer.ts"
import { testDatabase } from "../../support/database.ts"

const asking = (required: boolean) => Layer.succeed(Access, Access.of({ required, authenticate: () => Effect.succeed(everybody), ended: () => Effect.never }))
const links = (required = true) => MediaLinks.layer({ lifetimeMs: 60 * 60_000 }).pipe(Layer.fresh, Layer.provide(Layer.mergeAll(asking(required), SecureRandom.layerWebCrypto)))

const path = "/media/QXJ0aWZhY3Q6MDE5YTAwMDA"
const queryOf = (signed: string | undefined) => new URLSearchParams(signed)

it.layer(testDatabase("pglite"), { timeout: 120_000 })("a link to media", (it) => {
  const make = (required?: boolean) => Effect.provide(MediaLinks, links(required))

  it.effect("works for its own file, and is worth nothing when anything of it is changed", () =>
    Effect.gen(function* () {
      const { check, sign } = yield* make()
      const signed = queryOf(sign(path))
      expect(check(path, signed)).toBe("valid")
      expect(check(path, new URLSearchParams([...signed, ["width", "300"], ["download", ""]]))).toBe("valid")
      const changed = (name: string, value: string) => {
        const query = new URLSearchParams(signed)
        query.set(name, value)
        return query
      }
      const signature = signed.get("signature") ?? ""
      expect(check(`${path}/waveform.json`, signed)).toBe("forged")
      expect(check(`${path}x`, signed)).toBe("forged")
      expect(check(path, changed("expires", String(Number(signed.get("expires")) + 1)))).toBe("forged")
      expect(check(path, changed("expires", "Infinity"))).toBe("forged")
      for (const wrong of ["", signature.slice(1), `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`, `${signature}AAAA`, "%00"]) expect(check(path, changed("signature", wrong))).toBe("forged")
      for (const missing of ["signature", "expires"]) {
        const query = new URLSearchParams(signed)
        query.delete(missing)
        expect(check(path, query)).toBe("forged")
      }
      expect(check(path, new URLSearchParams())).toBe("unsigned")
    }))

  it.effect("expires after an hour at most and half of it at least, and stays the same in between, for the sake of caches", () =>
    Effect.gen(function* () {
      const { check, sign } = yield* make()
      yield* TestClock.adjust("29 minutes")
      const signed = sign(path)
      yield* TestClock.adjust("59 seconds")
      expect(sign(path)).toBe(signed)
      yield* TestClock.adjust("2 seconds")
      expect(sign(path)).not.toBe(signed)
      yield* TestClock.adjust("29 minutes")
      expect(check(path, queryOf(signed))).toBe("valid")
      yield* TestClock.adjust("1 minute")
      expect(check(path, queryOf(signed))).toBe("expired")
    }))

  it.effect("works on every node of the installation", () =>
    Effect.gen(function* () {
      const one = yield* make()
      const other = yield* make()
      expect(other.check(path, queryOf(one.sign(path)))).toBe("valid")
    }))

  it.effect("is not signed where nobody is asked for a key", () =>
    Effect.gen(function* () {
      const { check, sign } = yield* make(false)
      expect([sign(path), check(path, new URLSearchParams())]).toEqual([undefined, "valid"])
    }))
})
