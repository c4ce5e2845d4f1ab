import { once } from "node:events"
import { connect, createServer } from "node:net"
import { Effect, Exit, Layer, Scope } from "effect"
import { createClient } from "graphql-ws"
import { describe, expect, it } from "vitest"
import WebSocket from "ws"
import { listening } from "../../../src/http/listening.ts"
import { Server } from "../../../src/http/Server.ts"
import { jobId, useTestServer } from "../../support/testServer.ts"

const owner = useTestServer("postgres")

/** A second server over the same services, which a test can end. */
const startServer = async (settings: { readonly port?: number; readonly drainMs?: number } = {}) => {
  const scope = await Effect.runPromise(Scope.make())
  const layer = Server.layer({ host: "127.0.0.1", port: 0, publicUrl: (port) => `http://127.0.0.1:${port}`, corsOrigins: [], maxUploadBytes: 1000, ...settings })
  const started = await owner.runtime.runPromiseExit(Effect.map(Layer.buildWithScope(layer, scope), (built) => built))
  const server = Exit.isSuccess(started) ? await Effect.runPromise(Effect.provide(Server, started.value)) : undefined
  return { started, server, url: server?.url ?? "", stop: () => owner.runtime.runPromise(Scope.close(scope, Exit.void)) }
}

const watch = "subscription ($id: ID!) { jobEvents(jobId: $id) { sequence } }"

/** Long, for a busy machine; most are done at once. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 10_000 })

describe("a server that is told to end", () => {
  it("closes sockets with a code on which clients connect again, and loses no event to it", async () => {
    const { jobId: job } = await owner.insertTrack()
    const first = await startServer()
    const port = first.server?.port ?? 0
    const codes: Array<number> = []
    const received: Array<number> = []
    const client = createClient({
      url: `ws://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 20,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
      shouldRetry: () => true,
      on: { closed: (event) => codes.push((event as { code: number }).code) }
    })
    let completed = false
    client.subscribe<{ jobEvents: { sequence: number } }>({ query: watch, variables: { id: jobId(job) } }, {
      next: ({ data }) => received.push(data?.jobEvents.sequence ?? 0),
      error: () => {},
      complete: () => { completed = true }
    })
    await eventually(() => received).toEqual([1])
    await first.stop()
    expect(codes[0]).toBe(1012)
    expect(completed).toBe(false)
    const second = await startServer({ port })
    await owner.appendEvent(job, "JobSucceededEvent", { degraded: false }, "SUCCEEDED")
    await eventually(() => completed).toBe(true)
    expect(received).toEqual([1, 1, 2])
    await client.dispose()
    await second.stop()
  })

  it("breaks event streams off without saying that they are complete", async () => {
    const { jobId: job } = await owner.insertTrack()
    const server = await startServer()
    const response = await fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query: watch, variables: { id: jobId(job) } })
    })
    let text = ""
    const read = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk
    })().catch(() => {})
    await eventually(() => text).toContain("sequence")
    const startedAt = Date.now()
    await server.stop()
    await read
    expect(text).not.toContain("event: complete")
    expect(Date.now() - startedAt).toBeLessThan(3_000)
  })

  it("lets a running request come to its end, and takes no other", async () => {
    const scope = await Effect.runPromise(Scope.make())
    let finish = () => {}
    const { port } = await Effect.runPromise(
      listening({
        host: "127.0.0.1",
        port: 0,
        drainMs: 5_000,
        beforeDrain: async () => {},
        listener: (_request, response) => {
          finish = () => response.end("done")
        }
      }).pipe(Effect.provideService(Scope.Scope, scope))
    )
    const answer = fetch(`http://127.0.0.1:${port}`)
    await eventually(() => String(finish)).toContain("done")
    const stopped = Effect.runPromise(Scope.close(scope, Exit.void))
    await eventually(async () => fetch(`http://127.0.0.1:${port}`).then(() => "taken", () => "refused")).toBe("refused")
    finish()
    expect(await (await answer).text()).toBe("done")
    await stopped
  })

  it("cuts off what does not end in time, and interrupts its work", async () => {
    const server = await startServer({ drainMs: 200 })
    const answer = fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `mutation { trackImport(input: { source: { url: "https://slow.test/drain" } }) { __typename } }` })
    }).then(() => "answered", () => "cut off")
    await new Promise((resolve) => setTimeout(resolve, 300))
    const startedAt = Date.now()
    await server.stop()
    expect(await answer).toBe("cut off")
    expect(Date.now() - startedAt).toBeLessThan(3_000)
    await eventually(() => owner.interrupted).toContain("https://slow.test/drain")
  })

  it("leaves no connection, also none that was idle", async () => {
    const server = await startServer()
    const { port } = new URL(server.url)
    const socket = connect(Number(port), "127.0.0.1")
    await once(socket, "connect")
    socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    await once(socket, "data")
    await Promise.all([once(socket, "close"), server.stop()])
  })
})

describe("a client that goes away", () => {
  it("ends the work on its request", async () => {
    const gone = new AbortController()
    const request = fetch(owner.url(), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `mutation { trackImport(input: { source: { url: "https://slow.test/gone" } }) { __typename } }` }),
      signal: gone.signal
    }).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 300))
    gone.abort()
    await request
    await eventually(() => owner.interrupted).toContain("https://slow.test/gone")
  })

  it("ends the work on its operation over a socket, too", async () => {
    const client = createClient({ url: owner.url().replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 })
    client.subscribe({ query: `mutation { trackImport(input: { source: { url: "https://slow.test/socket" } }) { __typename } }` }, { next: () => {}, error: () => {}, complete: () => {} })
    await new Promise((resolve) => setTimeout(resolve, 500))
    client.terminate()
    await eventually(() => owner.interrupted).toContain("https://slow.test/socket")
    await client.dispose()
  })
})

describe("an address that cannot be listened on", () => {
  it("is named in one line that says what to do", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const { port } = other.address() as { port: number }
    const { started } = await startServer({ port })
    other.close()
    expect(Exit.isFailure(started)).toBe(true)
    expect(JSON.stringify(started)).toContain("PortInUse")
    expect(JSON.stringify(started)).toContain(`127.0.0.1:${port}`)
  })
})
