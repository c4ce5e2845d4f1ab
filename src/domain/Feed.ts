/** What many watch at once: read one time for all of them, and by each at its own pace. */
import type { Cause, Effect } from "effect"

export interface FeedEntry<A extends object> {
  /** Its place. Positions grow, and may leave numbers out. */
  readonly position: number
  readonly value: A
  /** Of two entries with the same subject the older may be left out for a reader that is behind; without one, never. */
  readonly subject: string | undefined
  /** Nothing follows it. */
  readonly last: boolean
}

export interface FeedPage<A extends object> {
  /** Oldest first. */
  readonly entries: ReadonlyArray<FeedEntry<A>>
  /** Whoever has read the page has all there is up to this position. */
  readonly until: number
}

/** How a feed came to its end. */
export interface FeedEnd {
  /** Why it can go on no longer; undefined when it is simply over. */
  readonly failure: Cause.Cause<unknown> | undefined
}

export interface FeedListener<A extends object> {
  readonly onEntries: (entries: ReadonlyArray<FeedEntry<A>>) => void
  /** Called once, after the last entry. */
  readonly onEnd: (end: FeedEnd) => void
}

export interface Feed<A extends object> {
  /** Feeds of the same name have the same entries. */
  readonly name: string
  /** The position of the newest entry that listeners were told of; what comes is behind it. */
  readonly newest: () => number
  /** Once it is there no entry will come; what is stored can still be read. */
  readonly ended: () => FeedEnd | undefined
  /** Tells of every entry that comes from now on, each once and in order. Returns how to stop. */
  readonly listen: (listener: FeedListener<A>) => () => void
  /** What is stored behind a position. */
  readonly stored: (after: number) => Effect.Effect<FeedPage<A>>
}
