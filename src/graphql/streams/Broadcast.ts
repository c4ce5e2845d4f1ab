/**
 * Equal subscriptions, run once: each entry of the feed is resolved and serialised one time, and handed to every reader
 * in the same turn. A reader that is behind, because it began with older entries or because its receiver does not keep up,
 * reads what is stored, at its own pace, and joins the others again where it meets them.
 */
import type { Cause } from "effect"
import type { Feed, FeedEntry, FeedPage } from "../../domain/Feed.ts"
import { makeMessageWindow, type Message, type MessagePage } from "./MessageWindow.ts"
import { makeReader, type Reader } from "./Reader.ts"
import type { Payload, Receiver } from "./Receiver.ts"

/** What is kept of the newest messages for readers that are just behind. */
const windowBytes = 256 * 1024
/** Entries that wait to be resolved; when there are more, the readers are sent to what is stored. */
const maxWaiting = 2_000

export interface BroadcastSource<A extends object> {
  readonly feed: Feed<A>
  /** Answers for the values, in their order; what a field of one could not do is in its answer. */
  readonly resolve: (values: ReadonlyArray<A>) => Promise<ReadonlyArray<Payload>>
  readonly stored: (after: number) => Promise<FeedPage<A>>
  /** What a client may know of a failure. */
  readonly explain: (failure: Cause.Cause<unknown>) => Error
  /** Called when a reader has come or gone. */
  readonly onReaders: (change: 1 | -1) => void
  /** Called when the last reader has left. */
  readonly onIdle: () => void
}

export interface Broadcast {
  /** A reader of what stands behind a position, which begins when it is told to. */
  readonly join: (after: number, receiver: Receiver) => Reader
}

export const makeBroadcast = <A extends object>({ explain, feed, onIdle, onReaders, resolve, stored }: BroadcastSource<A>): Broadcast => {
  const readers = new Set<Reader>()
  const window = makeMessageWindow(feed.newest(), windowBytes)
  /** Pages that are being read, by where they begin: many come back at once to the same place. */
  const pages = new Map<number, Promise<MessagePage>>()
  let waiting: Array<FeedEntry<A>> = []
  let resolving = false
  /** Whether entries were passed over, or the feed has ended, and readers have not been told. */
  let untold = false
  let failure: Error | undefined
  let over = feed.ended() !== undefined

  const toMessages = async (entries: ReadonlyArray<FeedEntry<A>>): Promise<Array<Message>> => {
    const payloads = await resolve(entries.map(({ value }) => value))
    return payloads.flatMap((payload, index) => {
      const entry = entries[index]
      return entry === undefined ? [] : [{ position: entry.position, subject: entry.subject, last: entry.last, payload }]
    })
  }

  const fail = (error: Error): void => {
    failure = error
    for (const reader of readers) reader.advance()
  }

  /** Resolves what came in since the last time, in one go, until nothing more has come in. */
  const publish = async (): Promise<void> => {
    resolving = true
    while (waiting.length > 0) {
      const entries = waiting
      waiting = []
      const messages = await toMessages(entries)
      for (const message of messages) window.push(message)
      for (const reader of readers) reader.advance(messages)
    }
    resolving = false
    if (untold) for (const reader of readers) reader.advance()
    untold = false
  }
  const publishNow = (): void => {
    if (!resolving) publish().catch(fail)
  }

  const unlisten = feed.listen({
    onEntries: (entries) => {
      waiting.push(...entries)
      if (waiting.length > maxWaiting) {
        window.clear(feed.newest())
        waiting = []
        untold = true
      }
      publishNow()
    },
    onEnd: (end) => {
      over = true
      untold = true
      if (end.failure !== undefined) fail(explain(end.failure))
      publishNow()
    }
  })

  const page = (after: number): Promise<MessagePage> => {
    const known = pages.get(after)
    if (known !== undefined) return known
    const read = stored(after)
      .then(async ({ entries, until }) => ({ messages: await toMessages(entries), until }))
      .finally(() => pages.delete(after))
    pages.set(after, read)
    return read
  }

  return {
    join: (after, receiver) => {
      const reader = makeReader({
        after,
        storedUntil: feed.newest(),
        receiver,
        window,
        page,
        /** Why no more comes than is in the window, or false when more may. */
        ended: () => failure ?? (over && !resolving && waiting.length === 0),
        leave: () => {
          if (!readers.delete(reader)) return
          onReaders(-1)
          if (readers.size > 0) return
          unlisten()
          onIdle()
        }
      })
      readers.add(reader)
      onReaders(1)
      return reader
    }
  }
}
