/** Clients that follow jobs to their ends over graphql-ws, and come back behind the last event that they have. */
import { setTimeout as pause } from "node:timers/promises"
import { createClient } from "graphql-ws"
import { WebSocket } from "ws"

export interface SeenEvent {
  readonly kind: string
  readonly sequence: number
  /** The database's time, and that of the arrival here, in milliseconds since 1970. */
  readonly at: number
  readonly receivedAt: number
  readonly stage: string | undefined
  /** Of a job that waits. */
  readonly until: number | undefined
}

export interface Watched {
  readonly id: string
  readonly events: Array<SeenEvent>
  ended: boolean
  /** What the protocol forbids. */
  readonly faults: Array<string>
}

interface Wire {
  readonly __typename: string
  readonly sequence: number
  readonly at: string
  readonly until?: string | null
  readonly stage?: { readonly name: string }
}

const document = `subscription($id: ID!, $after: Int!) {
  jobEvents(jobId: $id, afterSequence: $after) {
    __typename sequence at
    ... on StageStartedEvent { stage { name } } ... on StageSucceededEvent { stage { name } }
    ... on JobWaitingEvent { until }
  }
}`

const isTerminal = (kind: string) => /^Job(Succeeded|Failed|Cancelled)Event$/.test(kind)

const seen = ({ __typename, at, sequence, stage, until }: Wire): SeenEvent => ({
  kind: __typename, sequence, at: Date.parse(at), receivedAt: Date.now(), stage: stage?.name, until: until ? Date.parse(until) : undefined
})

/** Of the hundred that the server allows. */
const streamsOfSocket = 90

const connect = (port: number) => createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, onNonLazyError: () => {} })
type Client = ReturnType<typeof connect>

/** Connections to nodes in their turn, as many as the streams need. */
const makeSockets = (ports: ReadonlyArray<number>) => {
  const sockets: Array<{ readonly client: Client; readonly port: number; streams: number }> = []
  let turn = 0
  return {
    /** Lends a connection for the time of one stream. */
    use: async <A>(stream: (client: Client) => Promise<A>): Promise<A> => {
      const port = ports[turn++ % ports.length]
      if (port === undefined) throw new Error("no node serves the API")
      let socket = sockets.find((one) => one.port === port && one.streams < streamsOfSocket)
      if (socket === undefined) sockets.push((socket = { client: connect(port), port, streams: 0 }))
      socket.streams++
      try {
        return await stream(socket.client)
      } finally {
        socket.streams--
      }
    },
    close: async () => {
      for (const { client } of sockets) await client.dispose()
    }
  }
}

/** What a failed stream rejects with: GraphQL errors, or the event of the connection's close. */
const reason = (error: unknown): string =>
  Array.isArray(error) ? `error: ${JSON.stringify(error)}` : error instanceof Error ? error.message : `closed with ${(error as { readonly code?: number }).code}`

/** Takes one stream up to its end. Rejects when it breaks off. */
const take = async (client: Client, job: Watched): Promise<void> => {
  const after = job.events.at(-1)?.sequence ?? 0
  for await (const { data, errors } of client.iterate<{ jobEvents: Wire }>({ query: document, variables: { id: job.id, after } })) {
    if (errors !== undefined) throw new Error(`error: ${JSON.stringify(errors)}`)
    if (!data?.jobEvents) continue
    const event = seen(data.jobEvents)
    const last = job.events.at(-1)?.sequence ?? 0
    // Progress may be left out where a connection is slow; here none is.
    if (event.sequence !== last + 1) job.faults.push(`${event.sequence} follows ${last}`)
    if (job.ended) job.faults.push(`${event.kind} follows the end`)
    job.events.push(event)
    if (isTerminal(event.kind)) job.ended = true
  }
  if (!job.ended) job.faults.push(`the stream completed behind ${job.events.at(-1)?.kind ?? "nothing"}`)
}

export const makeWatcher = (ports: ReadonlyArray<number>) => {
  const sockets = makeSockets(ports)
  const watched = new Map<string, Watched>()
  const interruptions: Array<string> = []
  const closing = new AbortController()

  const follow = async (job: Watched): Promise<void> => {
    while (!job.ended && !closing.signal.aborted) {
      await sockets.use((client) => take(client, job)).catch(async (error: unknown) => {
        if (!closing.signal.aborted) interruptions.push(reason(error))
        await pause(100)
      })
    }
  }

  return {
    watched,
    /** Why streams broke off before their ends, each time one did. */
    interruptions,
    follow: (id: string): void => {
      if (watched.has(id)) return
      const job: Watched = { id, events: [], ended: false, faults: [] }
      watched.set(id, job)
      void follow(job)
    },
    /** The logs of these jobs from their starts, by clients that come new. Of one that is not finished, what there is of it. */
    replay: async (ids: Iterable<string>): Promise<ReadonlyMap<string, Watched>> => {
      const fresh = makeSockets(ports)
      const logs = new Map([...ids].map((id): [string, Watched] => [id, { id, events: [], ended: false, faults: [] }]))
      const waiting = [...logs.values()]
      const read = async () => {
        for (let job = waiting.pop(); job !== undefined; job = waiting.pop()) {
          const log = job
          const reading = fresh.use((client) => take(client, log)).catch((error: unknown) => log.faults.push(`its replay: ${reason(error)}`))
          await Promise.race([reading, pause(10_000, undefined, { ref: false })])
        }
      }
      await Promise.all(Array.from({ length: 16 }, read))
      await fresh.close()
      return logs
    },
    close: async () => {
      closing.abort()
      await sockets.close()
    }
  }
}
