import { createClient } from "graphql-ws"
import { describe, expect, it } from "vitest"
import WebSocket from "ws"
import { engines } from "../../support/database.ts"
import { jobId, type TestServer, trackId, useTestServer } from "../../support/testServer.ts"

const watch = `subscription ($id: ID!, $after: Int) {
  jobEvents(jobId: $id, afterSequence: $after) { __typename sequence job { id lastSequence stages { name } } ... on JobStartedEvent { attempt } }
}`

// oxlint-disable-next-line typescript/no-explicit-any -- whatever a subscription sends
type Message = any

/** Collects what a subscription sends over a WebSocket of its own. */
const overWebSocket = (server: TestServer, query: string, variables: Record<string, unknown>) => {
  const client = createClient({ url: server.url().replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 })
  const messages: Array<Message> = []
  const ended = new Promise<unknown>((resolve) =>
    client.subscribe({ query, variables }, { next: (message) => messages.push(message), error: resolve, complete: () => resolve("complete") })
  )
  return { client, messages, ended }
}

/** The same over server-sent events. */
const overEvents = (server: TestServer, query: string, variables: object) => {
  const gone = new AbortController()
  const messages: Array<Message> = []
  const read = async () => {
    const response = await fetch(server.url(), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query, variables }),
      signal: gone.signal
    })
    let text = ""
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const frames = text.split("\n\n")
      text = frames.pop() ?? ""
      for (const frame of frames) {
        const data = /^data: ?(.+)$/m.exec(frame)?.[1]
        if (frame.startsWith("event: next") && data !== undefined) messages.push(JSON.parse(data))
        if (frame.startsWith("event: complete")) return "complete"
      }
    }
    return "cut off"
  }
  return { gone, messages, ended: read().catch((error: unknown) => error) }
}

const sequences = (messages: ReadonlyArray<Message>) => messages.map((message) => message.data.jobEvents.sequence)

/** Long, for a busy machine; most are done at once. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 10_000 })

describe.each(engines)("watching jobs on %s", (engine) => {
  const server = useTestServer(engine)

  it.each([["WebSocket", overWebSocket], ["server-sent events", overEvents]] as const)("tells over %s what was, what comes, and when it is over", async (_name, subscribe) => {
    const { jobId: job } = await server.insertTrack()
    await server.appendEvent(job, "JobStartedEvent", { attempt: 1 })
    const { ended, messages } = subscribe(server, watch, { id: jobId(job), after: 0 })
    await eventually(() => messages.length).toBe(2)
    await server.appendEvent(job, "JobSucceededEvent", { degraded: false }, "SUCCEEDED")
    expect(await ended).toBe("complete")
    expect(sequences(messages)).toEqual([1, 2, 3])
    expect(messages.map((message) => message.data.jobEvents.__typename)).toEqual(["JobQueuedEvent", "JobStartedEvent", "JobSucceededEvent"])
  })

  it("goes on behind the last event that a client has", async () => {
    const { jobId: job } = await server.insertTrack()
    await server.appendEvent(job, "JobStartedEvent", { attempt: 1 })
    await server.appendEvent(job, "JobCancelledEvent", {}, "CANCELLED")
    const { ended, messages } = overWebSocket(server, watch, { id: jobId(job), after: 2 })
    expect(await ended).toBe("complete")
    expect(sequences(messages)).toEqual([3])
  })

  it("shows with each event the job as it stands then", async () => {
    const { jobId: job } = await server.insertTrack()
    const { ended, messages } = overWebSocket(server, watch, { id: jobId(job), after: 0 })
    await eventually(() => messages.length).toBe(1)
    await server.sql("insert into job_stage (job_id, position, name, status) values ($1, 1, 'PROBE', 'PENDING')", [job])
    await server.appendEvent(job, "JobFailedEvent", { failure: { _tag: "StorageError", message: "The disk is full." } }, "FAILED")
    await ended
    expect(messages.map((message) => message.data.jobEvents.job.lastSequence)).toEqual([1, 2])
    expect(messages[1].data.jobEvents.job.stages).toEqual([{ name: "DOWNLOAD" }, { name: "PROBE" }])
  })

  it.each([
    ["of another type", () => trackId("00000000-0000-7000-8000-000000000000"), "NOT_FOUND"],
    ["of nothing", () => jobId("00000000-0000-7000-8000-000000000000"), "NOT_FOUND"],
    ["that is none", () => "rubbish", "NOT_FOUND"]
  ])("refuses an id %s before any event", async (_name, id, code) => {
    const { ended, messages } = overWebSocket(server, watch, { id: id(), after: 0 })
    const outcome = await ended
    const errors = Array.isArray(outcome) ? outcome : messages[0].errors
    expect(errors[0].extensions.code).toBe(code)
    expect(messages.some((message) => message.data)).toBe(false)
  })

  it("refuses a sequence below 0", async () => {
    const { jobId: job } = await server.insertTrack()
    const { ended, messages } = overWebSocket(server, watch, { id: jobId(job), after: -1 })
    const outcome = await ended
    expect((Array.isArray(outcome) ? outcome : messages[0].errors)[0].extensions.code).toBe("INVALID_INPUT")
  })

  it("tells of every job that matches, at once and whenever it changes", async () => {
    const { jobId: job, trackId: track } = await server.insertTrack({ title: "Watched" })
    const other = await server.insertTrack()
    const { client, messages } = overWebSocket(server, "subscription ($track: ID!) { jobChanged(filter: { trackId: $track }) { id status track { title } } }", { track: trackId(track) })
    await eventually(() => messages.length).toBe(1)
    await server.appendEvent(other.jobId, "JobStartedEvent", { attempt: 1 })
    await server.sql("update track set title = 'Renamed' where id = $1", [track])
    await server.appendEvent(job, "JobStartedEvent", { attempt: 1 })
    await eventually(() => messages.length).toBe(2)
    expect(messages.map((message) => message.data.jobChanged)).toEqual([
      { id: jobId(job), status: "QUEUED", track: { title: "Watched" } },
      { id: jobId(job), status: "RUNNING", track: { title: "Renamed" } }
    ])
    await client.dispose()
  })

  it.each(["unsubscribes", "vanishes", "breaks off its request"])("leaves nothing behind when the client %s", async (how) => {
    const { jobId: job } = await server.insertTrack()
    const events = how === "breaks off its request" ? overEvents(server, watch, { id: jobId(job), after: 0 }) : undefined
    const socket = events === undefined ? overWebSocket(server, watch, { id: jobId(job), after: 0 }) : undefined
    await eventually(() => (events ?? socket)?.messages.length).toBe(1)
    if (how === "unsubscribes") await socket?.client.dispose()
    if (how === "vanishes") socket?.client.terminate()
    events?.gone.abort()
    await (events ?? socket)?.ended
    await new Promise((resolve) => setTimeout(resolve, 200))
    server.queries.length = 0
    await server.appendEvent(job, "JobStartedEvent", { attempt: 1 })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(server.queries).toEqual([])
  })

  it("carries many subscriptions on one socket, but not any number", async () => {
    const { jobId: job } = await server.insertTrack()
    const client = createClient({ url: server.url().replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 })
    const outcomes: Array<unknown> = []
    for (let n = 0; n < 101; n += 1) {
      client.subscribe({ query: watch, variables: { id: jobId(job), after: 0 } }, { next: () => {}, error: (error) => outcomes.push(error), complete: () => {} })
    }
    await eventually(() => JSON.stringify(outcomes)).toContain("RATE_LIMITED")
    expect(outcomes.length).toBe(1)
    await client.dispose()
  })
})
