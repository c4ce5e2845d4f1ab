import { type Context, Effect, RcMap, type Scope } from "effect"
import type { Feed } from "../domain/Feed.ts"
import { withoutOrigin } from "../domain/Origin.ts"

/** Feeds by a key, each begun for the first who asks, shared with all who ask meanwhile, and ended behind the last of them. */
export const sharedFeeds = Effect.fnUntraced(function*<A extends object, E, R>(begin: (key: string) => Effect.Effect<Feed<A>, E, R>) {
  const feeds = yield* RcMap.make({ lookup: begin })

  /** A feed that failed has told those who held it; who comes later gets another. */
  const open = Effect.fnUntraced(function*(key: string) {
    const feed = yield* RcMap.get(feeds, key)
    if (feed.ended()?.failure === undefined) return feed
    yield* RcMap.invalidate(feeds, key)
    return yield* RcMap.get(feeds, key)
  })

  /** Whoever comes first begins a feed, but it is not part of his request. */
  return (key: string) => Effect.updateContext(open(key), (context: Context.Context<Scope.Scope>) => withoutOrigin(context))
})
