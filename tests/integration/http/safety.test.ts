import { request as httpRequest } from "node:http"
import { connect } from "node:net"
import { createClient } from "graphql-ws"
import { describe, expect, it } from "vitest"
import WebSocket from "ws"
import { useTestServer } from "../../support/testServer.ts"

const deep = `{ tracks { edges { node { jobs { edges { node { track { jobs { edges { node { track { id } } } } } } } } } } } }`
const expensive = `query ($n: Int) { tracks(first: $n) { edges { node { jobs(first: $n) { edges { node { id } } } } } } }`
const aliased = `{ ${Array.from({ length: 16 }, (_, n) => `a${n}: __typename`).join(" ")} }`
const directed = `{ ${"... @include(if: true) { __typename } ".repeat(9)} }`
const long = `{ ${"__typename ".repeat(1_001)} }`

const tooLarge = [
  ["deeper than 10 fields", deep, {}],
  ["with page sizes that multiply, even from variables", expensive, { n: 100 }],
  ["with more than 15 aliases", aliased, {}],
  ["with more than 8 directives", directed, {}],
  ["of more than 1000 tokens", long, {}]
] as const

const hostile = [
  "https://evil.example",
  "null",
  "http://127.0.0.1:1"
]

const server = useTestServer("postgres", { settings: { keepAliveMs: 200 } })

describe("what an operation may ask for", () => {
  it.each(tooLarge)("refuses one %s over HTTP", async (_name, query, variables) => {
    const answer = await server.graphql(query, variables)
    expect(answer.data ?? null).toBeNull()
    expect(answer.errors?.[0].message).toMatch(/allowed|more than 1000 tokens/)
  })

  it.each(tooLarge)("refuses one %s over server-sent events", async (_name, query, variables) => {
    const response = await fetch(server.url(), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query, variables })
    })
    expect(await response.text()).toMatch(/allowed|more than 1000 tokens/)
  })

  it.each(tooLarge)("refuses one %s over WebSocket", async (_name, query, variables) => {
    const client = createClient({ url: server.url().replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 })
    const outcome = await new Promise<unknown>((resolve) => client.subscribe({ query, variables }, { next: resolve, error: resolve, complete: () => {} }))
    await client.dispose()
    expect(JSON.stringify(outcome)).toMatch(/allowed|more than 1000 tokens/)
    expect(JSON.stringify(outcome)).not.toContain("\"data\"")
  })

  it("weighs each request by its own variables, whatever was sent before it", async () => {
    const query = expensive.replace("query ", "query Again")
    expect((await server.graphql(query, { n: 100 })).errors?.[0].message).toContain("cost")
    expect((await server.graphql(query, { n: 1 })).errors).toBeUndefined()
    expect((await server.graphql(query, { n: 100 })).errors?.[0].message).toContain("cost")
  })

  it("runs no query of an operation that is too large", async () => {
    server.queries.length = 0
    await server.graphql(expensive, { n: 100 })
    expect(server.queries).toEqual([])
  })

  it("serves a page of a hundred with everything that a list shows", async () => {
    const answer = await server.graphql(`{ tracks(first: 100) { totalCount pageInfo { endCursor hasNextPage } edges { cursor node {
      id title artist album year durationMs status tags genres loudness { integratedLufs } waveform { imageUrl } cover { url } latestJob { id status progress }
    } } } }`)
    expect(answer.errors).toBeUndefined()
  })

  it("serves the introspection that tools ask for", async () => {
    const { getIntrospectionQuery } = await import("graphql")
    const answer = await server.graphql(getIntrospectionQuery())
    expect(answer.errors).toBeUndefined()
    expect(answer.data.__schema.queryType.name).toBe("Query")
  })

  it("refuses several operations in one request", async () => {
    const response = await fetch(server.url(), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify([{ query: "{ __typename }" }]) })
    expect(response.status).toBe(400)
  })

  it("refuses a JSON body of more than a megabyte, announced or not", async () => {
    const body = JSON.stringify({ query: "{ __typename }", variables: { a: "x".repeat(1_100_000) } })
    const announced = await fetch(server.url(), { method: "POST", headers: { "content-type": "application/json" }, body })
    expect(announced.status).toBe(413)
    const chunked = await fetch(server.url(), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new ReadableStream({ start: (controller) => { controller.enqueue(new TextEncoder().encode(body)); controller.close() } }),
      duplex: "half"
    } as RequestInit)
    expect(chunked.status).toBe(413)
    // The connection is fit for the next request.
    for (let n = 0; n < 5; n += 1) expect((await server.graphql("{ __typename }")).status).toBe(200)
  })

  it.each([[400_000], [999_000], [1, 600_000, 2], [300_000, 300_000, 300_000, 150_000]])("answers one that comes in pieces of %j, however it comes", async (...pieces) => {
    const body = Buffer.from(JSON.stringify({ query: "{ __typename }", variables: { a: "x".repeat(1_100_000) } }))
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(server.url(), { method: "POST", headers: { "content-type": "application/json" } }, (response) => resolve(response.resume().statusCode))
      request.on("error", reject)
      let at = 0
      const next = () => {
        const size = pieces.shift()
        if (size === undefined) request.end(body.subarray(at))
        else request.write(body.subarray(at, (at += size)), next)
      }
      next()
    })
    expect(status).toBe(413)
  })

  it("says what is wrong with a body that is no JSON, or of another type", async () => {
    const post = (type: string, body: BodyInit) => fetch(server.url(), { method: "POST", headers: { "content-type": type, "graphql-require-preflight": "1" }, body })
    for (const body of ["", "{", "\u0000", new Uint8Array([0x22, 0xff, 0x22])]) expect((await post("application/json", body)).status).toBe(400)
    for (const body of ["null", "1", "[]", `"{ __typename }"`]) expect({ body, status: (await post("application/json", body)).status }).toEqual({ body, status: 400 })
    expect((await post("application/x-www-form-urlencoded", "query={__typename}")).status).toBe(415)
  })

  it("closes a socket that sends a larger message, with the code for that", async () => {
    const socket = new WebSocket(server.url().replace("http", "ws"), "graphql-transport-ws")
    const code = await new Promise((resolve) => {
      socket.on("open", () => socket.send("x".repeat(1_100_000)))
      socket.on("close", resolve)
      socket.on("error", () => {})
    })
    expect(code).toBe(1009)
  })

  it("refuses mutations by GET", async () => {
    const response = await fetch(`${server.url()}?query=${encodeURIComponent("mutation { __typename }")}`, { headers: { "graphql-require-preflight": "1" } })
    expect(response.status).toBe(405)
  })
})

describe("pages of other sites", () => {
  const post = (headers: Readonly<Record<string, string>>, body = `{"query":"{ __typename }"}`) => fetch(server.url(), { method: "POST", headers, body })

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])("cannot send a form of type %j", async (type) => {
    const response = await post({ "content-type": type, "sec-fetch-site": "cross-site" })
    expect(response.status).toBe(403)
    expect(response.headers.get("content-type")).toContain("application/problem+json")
  })

  it("cannot make a browser query by an address alone", async () => {
    const query = `${server.url()}?query=%7B__typename%7D`
    expect((await fetch(query)).status).toBe(403)
    expect((await fetch(query, { headers: { "graphql-require-preflight": "1" } })).status).toBe(200)
  })

  it.each(hostile)("are refused from %s", async (origin) => {
    expect((await post({ "content-type": "application/json", origin })).status).toBe(403)
  })

  it("may read answers where their origin is listed", async () => {
    const listed = await post({ "content-type": "application/json", origin: "https://app.example.org" })
    expect(listed.headers.get("access-control-allow-origin")).toBe("https://app.example.org")
    const preflight = await fetch(server.url(), {
      method: "OPTIONS",
      headers: { origin: "https://app.example.org", "access-control-request-method": "POST", "access-control-request-headers": "content-type" }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type")
  })

  it("get no permission at a preflight where it is not", async () => {
    const preflight = await fetch(server.url(), { method: "OPTIONS", headers: { origin: "https://evil.example", "access-control-request-method": "POST" } })
    expect(preflight.status).toBe(403)
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull()
  })

  it("are refused although a name of theirs points to this server", async () => {
    const { port } = new URL(server.url())
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest({ port, host: "127.0.0.1", path: "/graphql", method: "POST", headers: { host: `rebound.example:${port}`, origin: `http://rebound.example:${port}`, "content-type": "application/json" } }, (response) => resolve(response.statusCode))
      request.on("error", reject).end(`{"query":"{ __typename }"}`)
    })
    expect(status).toBe(403)
  })

  const upgrade = (headers: Readonly<Record<string, string>>, protocol = "graphql-transport-ws", path = "/graphql") =>
    new Promise<number | "open">((resolve) => {
      const socket = new WebSocket(server.url(path).replace("http", "ws"), protocol, { headers })
      socket.on("open", () => { socket.close(); resolve("open") })
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0))
      socket.on("error", () => {})
    })

  it.each(hostile)("open no socket from %s", async (origin) => {
    expect(await upgrade({ origin })).toBe(403)
  })

  it("open sockets where they are this server's, listed, or no pages at all", async () => {
    expect(await upgrade({ origin: new URL(server.url()).origin })).toBe("open")
    expect(await upgrade({ origin: "https://app.example.org" })).toBe("open")
    expect(await upgrade({})).toBe("open")
  })

  it("find sockets nowhere else", async () => {
    expect(await upgrade({}, "graphql-transport-ws", "/media/x")).toBe(404)
  })

  it("speak the current protocol only", async () => {
    const socket = new WebSocket(server.url().replace("http", "ws"), "graphql-ws")
    const outcome = await new Promise((resolve) => {
      socket.on("error", () => resolve("refused"))
      socket.on("close", (code) => resolve(code))
    })
    expect(["refused", 4406]).toContain(outcome)
  })
})

describe("connections that are no use", () => {
  it("are not those whose request was answered before it was read", async () => {
    const { hostname, port } = new URL(server.url())
    const socket = connect(Number(port), hostname)
    let received = ""
    socket.on("data", (chunk) => { received += chunk.toString() }).on("error", () => {})
    const request = `POST /graphql HTTP/1.1\r\nhost: ${hostname}:${port}\r\nsec-fetch-site: cross-site\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n`
    socket.write(request)
    await expect.poll(() => received).toContain("403 Forbidden")
    socket.write("0123456789")
    // Longer than the rest of a request is waited for.
    await new Promise((resolve) => setTimeout(resolve, 2_300))
    socket.write(`GET /healthz HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
    await expect.poll(() => received).toContain("200 OK")
    socket.write(request)
    // The rest of this one never comes.
    await new Promise((resolve) => socket.on("close", resolve))
  })

  it("are ended when their peer answers no ping", async () => {
    const { hostname, port } = new URL(server.url())
    const socket = connect(Number(port), hostname)
    const ended = new Promise((resolve) => socket.on("close", resolve))
    socket.on("data", () => {}).on("error", () => {})
    socket.write(`GET /graphql HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`)
    await ended
  })

  it("are kept while it answers", async () => {
    const socket = new WebSocket(server.url().replace("http", "ws"), "graphql-transport-ws")
    let pings = 0
    await new Promise<void>((resolve) => socket.on("ping", () => (pings += 1) > 3 && resolve()))
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.terminate()
  })
})
