/**
 * Links to media that work by themselves, for a while: an `<audio>` element sends no key. Each is for one file and says until
 * when; both are signed with a secret that all nodes share.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import { Clock, Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Database } from "../persistence/Database.ts"
import { Access } from "./Access.ts"
import { makeSecret } from "./secrets.ts"

/** What a link is worth. */
export type LinkState = "unsigned" | "valid" | "expired" | "forged"

/** The secret of the installation, made by whichever node comes first. */
const installationSecret = Effect.gen(function* () {
  const database = yield* Database
  const now = new Date(yield* Clock.currentTimeMillis)
  const fresh = yield* makeSecret
  const rows = yield* database.transaction((tx) =>
    Effect.andThen(
      tx.query("insert into signing_secret (purpose, secret, created_at) values ('media links', $1, $2) on conflict do nothing", [fresh, now]),
      tx.query<{ secret: string }>("select secret from signing_secret where purpose = 'media links'")
    )
  )
  return Buffer.from(rows[0]?.secret ?? fresh, "base64url")
})

export class MediaLinks extends Context.Service<MediaLinks, {
  /** The query that makes the address of this path work by itself; undefined where no key is asked for anyway. */
  readonly sign: (path: string) => string | undefined
  readonly check: (path: string, query: URLSearchParams) => LinkState
}>()("playhead/access/MediaLinks") {
  /** Links work for `lifetimeMs` at most and half of it at least: in between they stay the same, so that browsers can cache. */
  static readonly layer = ({ lifetimeMs }: { readonly lifetimeMs: number }): Layer.Layer<MediaLinks, never, Access | Database | SecureRandom.SecureRandom> =>
    Layer.effect(
      MediaLinks,
      Effect.gen(function* () {
        const { required } = yield* Access
        if (!required) return MediaLinks.of({ sign: () => undefined, check: () => "valid" })
        const secret = yield* installationSecret
        const clock = yield* Clock.Clock
        const signatureOf = (path: string, expires: string) => createHmac("sha256", secret).update(`${expires}\n${path}`).digest()

        const sign = (path: string): string => {
          const period = lifetimeMs / 2
          const expires = String(Math.floor(((Math.floor(clock.currentTimeMillisUnsafe() / period) + 2) * period) / 1000))
          return `expires=${expires}&signature=${signatureOf(path, expires).toString("base64url")}`
        }

        const check = (path: string, query: URLSearchParams): LinkState => {
          const expires = query.get("expires")
          const signature = query.get("signature")
          if (expires === null && signature === null) return "unsigned"
          const shown = Buffer.from(signature ?? "", "base64url")
          const right = signatureOf(path, expires ?? "")
          if (shown.length !== right.length || !timingSafeEqual(shown, right)) return "forged"
          return Number(expires) * 1000 <= clock.currentTimeMillisUnsafe() ? "expired" : "valid"
        }

        return MediaLinks.of({ sign, check })
      })
    )
}
