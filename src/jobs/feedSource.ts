/** The part of a feed that all have: its listeners, its newest position, its end. */
import type { FeedEnd, FeedEntry, FeedListener } from "../domain/Feed.ts"

export interface FeedSource<A extends object> {
  readonly newest: () => number
  readonly ended: () => FeedEnd | undefined
  readonly listen: (listener: FeedListener<A>) => () => void
  readonly publish: (entries: ReadonlyArray<FeedEntry<A>>) => void
  readonly end: (end: FeedEnd) => void
}

export const makeFeedSource = <A extends object>(start: number): FeedSource<A> => {
  const listeners = new Set<FeedListener<A>>()
  let newest = start
  let ended: FeedEnd | undefined
  return {
    newest: () => newest,
    ended: () => ended,
    listen: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    publish: (entries) => {
      newest = entries.at(-1)?.position ?? newest
      for (const { onEntries } of listeners) onEntries(entries)
    },
    end: (end) => {
      ended = end
      for (const { onEnd } of listeners) onEnd(end)
    }
  }
}
