import { createHash, randomBytes } from "node:crypto"
import { connect } from "node:net"
import { Readable } from "node:stream"
import { describe, expect, it } from "vitest"
import { useTestServer } from "../../support/testServer.ts"

const upload = `mutation ($file: File!, $title: String) {
  trackUpload(input: { file: $file, title: $title }) {
    __typename
    ... on TrackImportSuccess { track { title } job { status } replayed }
    ... on InvalidInputError { issues { path message } }
    ... on TooLargeError { limitBytes }
  }
}`

const server = useTestServer("postgres", { maxUploadBytes: 260_000_000 })
const small = useTestServer("postgres", { maxUploadBytes: 1_000_000 })

const form = (file: Blob, variables: object = { file: null }, parts: { readonly map?: object; readonly query?: string } = {}) => {
  const body = new FormData()
  body.append("operations", JSON.stringify({ query: parts.query ?? upload, variables }))
  body.append("map", JSON.stringify(parts.map ?? { 0: ["variables.file"] }))
  body.append("0", file, "a song.mp3")
  return body
}

const send = async (body: FormData, to = server) => {
  const response = await fetch(to.url(), { method: "POST", headers: { "graphql-require-preflight": "1" }, body })
  return { status: response.status, ...await response.json() as { data?: { trackUpload: Record<string, unknown> }; detail?: string; title?: string; errors?: ReadonlyArray<{ message: string }> } }
}

/** A request of its own over a bare socket, sent as slowly as the test wants. */
const slowRequest = (announcedBytes: number) => {
  const { hostname, port } = new URL(server.url())
  const socket = connect(Number(port), hostname)
  const boundary = "edge"
  const head = [
    `--${boundary}`, `content-disposition: form-data; name="operations"`, "", JSON.stringify({ query: upload, variables: { file: null } }),
    `--${boundary}`, `content-disposition: form-data; name="map"`, "", `{"0":["variables.file"]}`,
    `--${boundary}`, `content-disposition: form-data; name="0"; filename="cut.mp3"`, "content-type: audio/mpeg", "", ""
  ].join("\r\n")
  socket.write(`POST /graphql HTTP/1.1\r\nhost: ${hostname}:${port}\r\ngraphql-require-preflight: 1\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: ${announcedBytes}\r\n\r\n${head}`)
  return socket
}

/** Long, for a busy machine; most are done at once. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 10_000 })

describe("an upload", () => {
  it("arrives byte for byte, with its name", async () => {
    const bytes = randomBytes(3_000_000)
    const answer = await send(form(new Blob([bytes]), { file: null, title: "Mine" }))
    expect(answer.data?.trackUpload).toEqual({ __typename: "TrackImportSuccess", track: { title: "Mine" }, job: { status: "QUEUED" }, replayed: false })
    expect(server.uploads.at(-1)).toEqual({ name: "a song.mp3", sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") })
  })

  it("of 200 MB does not pass through the server's memory", async () => {
    const piece = new Uint8Array(1_000_000)
    const boundary = "edge"
    const head = Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query: upload, variables: { file: null } })}\r\n` +
      `--${boundary}\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["variables.file"]}\r\n` +
      `--${boundary}\r\ncontent-disposition: form-data; name="0"; filename="long.wav"\r\ncontent-type: audio/wav\r\n\r\n`
    )
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
    const before = process.memoryUsage().rss
    let peak = before
    const meter = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss) }, 10)
    const body = async function*() {
      yield head
      for (let n = 0; n < 200; n += 1) yield piece
      yield tail
    }
    const response = await fetch(server.url(), {
      method: "POST",
      headers: { "graphql-require-preflight": "1", "content-type": `multipart/form-data; boundary=${boundary}` },
      body: Readable.toWeb(Readable.from(body())),
      duplex: "half"
    } as unknown as RequestInit)
    clearInterval(meter)
    expect(await response.json()).toMatchObject({ data: { trackUpload: { __typename: "TrackImportSuccess" } } })
    expect(server.uploads.at(-1)?.sizeBytes).toBe(200_000_000)
    // Client and server are this one process: what both hold at a time is a small part of the file.
    expect((peak - before) / 1e6).toBeLessThan(100)
  }, 120_000)

  it("that is too large is refused by a typed answer, although the client sends on", async () => {
    const answer = await send(form(new Blob([new Uint8Array(20_000_000)])), small)
    expect(answer.data?.trackUpload).toEqual({ __typename: "TooLargeError", limitBytes: 1_000_000 })
    expect((await small.graphql("{ __typename }")).status).toBe(200)
  })

  it("whose details break a rule is answered without its file being read", async () => {
    const count = server.uploads.length
    const answer = await send(form(new Blob([new Uint8Array(5_000_000)]), { file: null, title: " " }))
    expect(answer.data?.trackUpload).toMatchObject({ __typename: "InvalidInputError", issues: [{ path: ["input", "title"] }] })
    expect(server.uploads.length).toBe(count)
  })

  it("that breaks off ends what received it", async () => {
    const socket = slowRequest(10_000_000)
    socket.write(new Uint8Array(500_000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    socket.destroy()
    await eventually(() => server.interrupted).toContain("cut.mp3")
    expect(server.uploads.some((received) => received.name === "cut.mp3")).toBe(false)
  })
})

describe("a multipart request that is none", () => {
  const file = new Blob(["x"])

  it.each([
    ["leads its file to where nothing is", form(file, { file: null }, { map: { 0: ["variables.other"] } })],
    ["leads its file out of the variables", form(file, { file: null }, { map: { 0: ["query"] } })],
    ["leads its file to the prototype of all", form(file, { file: null }, { map: { 0: ["variables.__proto__.polluted"] } })],
    ["names no place for its file", form(file, { file: null }, { map: {} })],
    ["names a part that never comes", (() => { const body = form(file, { file: null }, { map: { 7: ["variables.file"] } }); body.delete("0"); return body })()],
    ["has its file in front", (() => { const body = new FormData(); body.append("0", file); body.append("operations", "{}"); body.append("map", "{}"); return body })()],
    ["has operations that are no JSON", (() => { const body = new FormData(); body.append("operations", "{"); body.append("map", "{}"); return body })()],
    ["has several operations", (() => { const body = new FormData(); body.append("operations", "[]"); body.append("map", "{}"); return body })()]
  ])("is refused when it %s", async (_name, body) => {
    const answer = await send(body)
    expect(answer.status).toBe(400)
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined()
  })

  it("is refused when it names no boundary", async () => {
    const response = await fetch(server.url(), { method: "POST", headers: { "graphql-require-preflight": "1", "content-type": "multipart/form-data" }, body: "x" })
    expect(response.status).toBe(400)
  })

  it("is refused when its operation is as large as a file", async () => {
    expect((await send(form(file, { file: null, title: "x".repeat(1_100_000) }))).status).toBe(413)
  })

  it("cannot subscribe", async () => {
    const answer = await send(form(file, { file: null }, { query: "subscription ($file: File) { jobChanged { id } }" }))
    expect(answer.data).toBeUndefined()
  })
})
