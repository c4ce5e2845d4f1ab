/** Readers of one broadcast under every interleaving: what each is sent is what the log holds, in its order, whatever happens around it. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { FeedEntry, FeedListener } from "../../../../src/domain/Feed.ts"
import { type Broadcast, makeBroadcast } from "../../../../src/graphql/streams/Broadcast.ts"

interface Event {
  readonly sequence: number
  readonly subject: string | undefined
}

/** A few of them are more than what a broadcast keeps. */
const payloadBytes = 40_000
const pageSize = 3

const ticks = async (count: number): Promise<void> => {
  for (let tick = 0; tick < count; tick++) await Promise.resolve()
}

/** A log of which so many events are there before anybody reads it. */
const makeLog = (delayTicks: number, stored = 0) => {
  const log: Array<Event> = Array.from({ length: stored }, (_, index) => ({ sequence: index + 1, subject: index % 2 === 0 ? undefined : "a:1" }))
  const listeners = new Set<FeedListener<Event>>()
  const read: Array<number> = []
  const resolved: Array<number> = []
  let newest = stored
  let over = false
  /** As whoever looks after broadcasts has it: one while there are readers. */
  let current: Broadcast | undefined
  const entryOf = (event: Event): FeedEntry<Event> => ({ position: event.sequence, value: event, subject: event.subject, last: over && event.sequence === log.length })
  const announce = (): void => {
    const news = log.slice(newest).map(entryOf)
    newest = log.length
    if (news.length > 0) for (const { onEntries } of listeners) onEntries(news)
  }
  const begin = () => makeBroadcast<Event>({
    feed: {
      name: "log",
      newest: () => newest,
      ended: () => over && newest === log.length ? { failure: undefined } : undefined,
      listen: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      stored: () => { throw new Error("read through `stored` below") }
    },
    resolve: async (events) => {
      resolved.push(...events.map(({ sequence }) => sequence))
      await ticks(delayTicks)
      return events.map((event) => ({ result: { data: { sequence: event.sequence } }, json: Buffer.alloc(payloadBytes) }))
    },
    stored: async (after) => {
      const known = newest
      read.push(after)
      await ticks(delayTicks)
      const entries = log.slice(after, after + pageSize).map(entryOf)
      const last = entries.at(-1)?.position ?? after
      return { entries, until: entries.length === pageSize ? last : Math.max(last, known) }
    },
    onReaders: () => {},
    explain: () => new Error("failed"),
    onIdle: () => { current = undefined }
  })
  return {
    log,
    read,
    resolved,
    listeners,
    broadcast: () => current ??= begin(),
    write: (subject: string | undefined) => log.push({ sequence: log.length + 1, subject }),
    announce,
    finish: () => {
      log.push({ sequence: log.length + 1, subject: undefined })
      over = true
      announce()
      for (const { onEnd } of listeners) onEnd({ failure: undefined })
    }
  }
}

/** A receiver that takes messages until it is told to stop. */
const connect = ({ broadcast, log }: ReturnType<typeof makeLog>, after: number) => {
  const got: Array<number> = []
  let open = true
  let wasBlocked = false
  let heldBack = 0
  let ends = 0
  let resume = (): void => {}
  const reader = broadcast().join(after, {
    ready: () => open,
    send: ({ result }) => got.push(result.data?.["sequence"] as number),
    batch: (sends) => sends(),
    heldBack: (bytes) => { heldBack += bytes },
    end: () => { ends += 1 },
    attach: (call) => {
      resume = call
      return () => { resume = () => {} }
    }
  })
  reader.start()
  return {
    after,
    /** What was written when it came. */
    writtenAtStart: log.length,
    got,
    ends: () => ends,
    heldBack: () => heldBack,
    wasBlocked: () => wasBlocked,
    leave: () => reader.leave(),
    block: () => {
      open = false
      wasBlocked = true
    },
    unblock: () => {
      open = true
      resume()
    }
  }
}
type Connection = ReturnType<typeof connect>

/** What is wrong with what a connection got, if anything. */
const faultOf = (log: ReadonlyArray<Event>, { after, got, wasBlocked }: Connection, complete: boolean): string | undefined => {
  if (got.some((sequence, index) => sequence <= (got[index - 1] ?? after))) return `not in order: ${got.join()} behind ${after}`
  const until = complete ? log.length : got.at(-1) ?? after
  for (let sequence = after + 1; sequence <= until; sequence++) {
    if (got.includes(sequence)) continue
    const { subject } = log[sequence - 1] ?? { subject: undefined }
    if (subject === undefined) return `${sequence} is missing: ${got.join()} behind ${after}`
    if (!wasBlocked()) return `${sequence} was left out although the connection took everything`
    if (!got.some((newer) => newer > sequence && log[newer - 1]?.subject === subject)) return `${sequence} was left out without a newer one: ${got.join()}`
  }
  return undefined
}

const actions = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), subject: fc.constantFrom(undefined, "a:1", "a:2", "b:1") }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("announce" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const), after: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("block" as const, "unblock" as const, "return" as const), client: fc.nat(9) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ticks: fc.nat(12) }) }
  ),
  { maxLength: 80 }
)

describe("a broadcast", () => {
  it("sends every reader what the log holds behind its place, in order and once, under any interleaving", async () => {
    await fc.assert(
      fc.asyncProperty(actions, fc.nat(5), fc.nat(10), async (steps, delayTicks, stored) => {
        const feed = makeLog(delayTicks, stored)
        const clients: Array<Connection> = []
        const former: Array<Connection> = []
        for (const step of steps) {
          const index = "client" in step ? step.client % Math.max(1, clients.length) : 0
          const client = clients[index]
          if (step.do === "write") feed.write(step.subject)
          if (step.do === "announce") feed.announce()
          if (step.do === "connect") clients.push(connect(feed, step.after % (feed.log.length + 2)))
          if (step.do === "wait") await ticks(step.ticks)
          if (step.do === "block") client?.block()
          if (step.do === "unblock") client?.unblock()
          if (step.do === "return" && client !== undefined) {
            client.leave()
            former.push(client)
            clients[index] = connect(feed, client.got.at(-1) ?? client.after)
          }
        }
        feed.finish()
        for (const client of clients) client.unblock()
        await ticks(400)
        for (const client of clients) {
          expect(faultOf(feed.log, client, true)).toBeUndefined()
          expect(client.ends()).toBe(1)
        }
        for (const client of former) {
          expect(faultOf(feed.log, client, false)).toBeUndefined()
          expect(client.ends()).toBeLessThanOrEqual(1)
        }
        expect(feed.listeners.size).toBe(0)
      }),
      { numRuns: 1_500 }
    )
  })

  it("leaves out nothing that was stored when a reader came, however slow it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(6), { maxLength: 20 }), async (stored, pauses) => {
        const feed = makeLog(1, stored)
        const client = connect(feed, 0)
        for (const pause of pauses) {
          client.block()
          feed.write("a:1")
          feed.announce()
          await ticks(pause)
          client.unblock()
          await ticks(pause)
        }
        feed.finish()
        client.unblock()
        await ticks(400)
        expect(client.got.slice(0, stored)).toEqual(Array.from({ length: stored }, (_, index) => index + 1))
      }),
      { numRuns: 300 }
    )
  })

  it("resolves an event once, however many read it", async () => {
    const feed = makeLog(1)
    const clients = Array.from({ length: 50 }, () => connect(feed, 0))
    for (let n = 0; n < 20; n++) {
      feed.write(undefined)
      feed.announce()
      await ticks(10)
    }
    expect(clients.every(({ got }) => got.length === 20)).toBe(true)
    expect(feed.resolved).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(feed.read).toEqual([])
  })

  it("reads stored events once for all who begin at the same place at the same time", async () => {
    const feed = makeLog(1, 5)
    const clients = [connect(feed, 0), connect(feed, 0), connect(feed, 0)]
    await ticks(100)
    expect(clients.map(({ got }) => got)).toEqual([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
    expect(feed.read).toEqual([0, 3])
  })

  it("sends readers to what is stored when events come faster than they are resolved", async () => {
    const feed = makeLog(50)
    const client = connect(feed, 0)
    for (let n = 0; n < 5_000; n++) {
      feed.write(undefined)
      if (n % 100 === 99) feed.announce()
    }
    feed.finish()
    await ticks(400_000)
    expect(client.got.length).toBe(5_001)
    expect(client.ends()).toBe(1)
    expect(feed.read.length).toBeGreaterThan(0)
  })

  it("counts what a blocked receiver waits for, but not what may be left out", async () => {
    const feed = makeLog(0)
    const client = connect(feed, 0)
    client.block()
    for (const subject of [undefined, "a:1", "a:1", undefined]) {
      feed.write(subject)
      feed.announce()
    }
    await ticks(50)
    expect(client.heldBack()).toBe(2 * payloadBytes)
  })

  it("ends for a reader behind the end of a log that is over", async () => {
    const feed = makeLog(0)
    feed.finish()
    const client = connect(feed, 1)
    await ticks(50)
    expect(client.got).toEqual([])
    expect(client.ends()).toBe(1)
  })
})
