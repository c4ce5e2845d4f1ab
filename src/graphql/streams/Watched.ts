/** What the resolver of a watching subscription returns: a feed, and where to begin. The engine does the rest. */
import type { Feed } from "../../domain/Feed.ts"

export class Watched<A extends object> implements AsyncIterable<A> {
  readonly feed: Feed<A>
  /** Entries behind this position are wanted. */
  readonly after: number
  /** To be called once when the feed is needed no longer. */
  readonly release: () => void

  constructor(feed: Feed<A>, after: number, release: () => void) {
    this.feed = feed
    this.after = after
    this.release = release
  }

  /** GraphQL takes only iterables for subscriptions; but a feed is read by many, so the engine asks for the feed itself. */
  [Symbol.asyncIterator](): AsyncIterator<A> {
    throw new Error("A watched feed is read through the engine's broadcasts.")
  }
}
