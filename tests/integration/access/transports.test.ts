import { describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { adminKey, bearer, keysRequired, makeKey, revokeKey } from "../../support/access.ts"
import { jobId, useTestServer } from "../../support/testServer.ts"
import { appendEvents, eventually, overEvents, progressEvent, socketTo, watchDocument } from "../../support/watching.ts"

const server = useTestServer("postgres", { access: keysRequired, settings: { keepAliveMs: 500 } })

/** How the server closes a socket that begins so. */
const closing = async (params: unknown, headers: Record<string, string> = {}): Promise<readonly [number, string]> => {
  const socket = new WebSocket(server.url().replace(/^http/, "ws"), "graphql-transport-ws", { headers })
  const closed = new Promise<readonly [number, string]>((resolve) => socket.once("close", (code, reason) => resolve([code, reason.toString()])))
  await new Promise((resolve) => socket.once("open", resolve))
  socket.send(JSON.stringify({ type: "connection_init", payload: params }))
  const acknowledged = new Promise<readonly [number, string]>((resolve) => socket.once("message", () => resolve([0, "acknowledged"])))
  const outcome = await Promise.race([closed, acknowledged])
  socket.terminate()
  return outcome
}

describe("a WebSocket", () => {
  it.each([
    ["nothing", undefined], ["no key", {}], ["an empty key", { authorization: "" }], ["a key without its scheme", { authorization: adminKey }], ["a wrong key", { authorization: `Bearer ${adminKey}x` }],
    ["something that is no text", { authorization: { Bearer: adminKey } }]
  ])("that shows %s is closed with 4403", async (_name, params) => {
    expect((await closing(params))[0]).toBe(4403)
  })

  it("is let in by `authorization` in connectionParams, in any case, or by the header of a client that has one", async () => {
    for (const params of [{ authorization: `Bearer ${adminKey}` }, { Authorization: `bearer ${adminKey}` }]) expect(await closing(params)).toEqual([0, "acknowledged"])
    expect(await closing({}, bearer(adminKey))).toEqual([0, "acknowledged"])
    expect((await closing({ authorization: "Bearer wrong" }, bearer(adminKey)))[0]).toBe(4403)
  })

  it("refuses what its key does not allow, and goes on", async () => {
    const { token } = await makeKey(server, ["READ"])
    const { socket, subscribe } = await socketTo(server.url(), { authorization: `Bearer ${token}` })
    const refused = await subscribe({ query: `mutation { apiKeyCreate(name: "x", scopes: [ADMIN]) { __typename } }`, variables: {} }).ended
    expect(refused).toMatchObject([{ extensions: { code: "FORBIDDEN" } }])
    const allowed = subscribe({ query: "{ __typename }", variables: {} })
    expect(await allowed.ended).toBe("complete")
    socket.close()
  })

  it("is closed with 4403 when its key is revoked in mid-subscription, and others go on", async () => {
    const { jobId: id } = await server.insertTrack()
    const { id: keyId, token } = await makeKey(server, ["READ"])
    const other = await makeKey(server, ["READ"])
    const operation = { query: watchDocument, variables: { id: jobId(id) } }
    const mine = await socketTo(server.url(), { authorization: `Bearer ${token}` })
    const theirs = await socketTo(server.url(), { authorization: `Bearer ${other.token}` })
    const [watching, going] = [mine.subscribe(operation), theirs.subscribe(operation)]
    await eventually(() => [watching.answers.length, going.answers.length]).toEqual([1, 1])
    await revokeKey(server, keyId)
    expect(await mine.closed).toBe(4403)
    await appendEvents(server, id, [progressEvent(0.5)])
    await eventually(() => going.answers.length).toBe(2)
    expect(watching.answers).toHaveLength(1)
    theirs.socket.close()
  })

  it("is closed with 4403 when its key expires", async () => {
    const { token } = await makeKey(server, ["READ"], new Date(Date.now() + 1_500))
    const { closed, subscribe } = await socketTo(server.url(), { authorization: `Bearer ${token}` })
    subscribe({ query: "subscription { jobChanged { id } }", variables: {} })
    expect(await closed).toBe(4403)
  })
})

describe("a stream of server-sent events", () => {
  it("needs a key, and breaks off when that is revoked or expires", async () => {
    const { jobId: id } = await server.insertTrack()
    const operation = { query: watchDocument, variables: { id: jobId(id) } }
    const refused = await fetch(server.url(), { method: "POST", headers: { "content-type": "application/json", accept: "text/event-stream" }, body: JSON.stringify(operation) })
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, `Bearer realm="Playhead"`])
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] })
    const revoked = await makeKey(server, ["READ"])
    const expiring = await makeKey(server, ["READ"], new Date(Date.now() + 2_000))
    const streams = await Promise.all([revoked, expiring].map(({ token }) => overEvents(server.url(), operation, bearer(token))))
    await eventually(() => streams.map(({ answers }) => answers.length)).toEqual([1, 1])
    await revokeKey(server, revoked.id)
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(["cut off", "cut off"])
  })
})

describe("equal subscriptions", () => {
  it("are run once for viewers who may do the same, and apart for others", async () => {
    const { jobId: id } = await server.insertTrack()
    const keys = await Promise.all([["READ"], ["READ"], ["WRITE"]].map((scopes) => makeKey(server, scopes)))
    const operation = { query: "subscription ($id: ID!) { jobEvents(jobId: $id) { sequence job { track { title } } } }", variables: { id: jobId(id) } }
    const sockets = await Promise.all(keys.map(({ token }) => socketTo(server.url(), { authorization: `Bearer ${token}` })))
    const watching = sockets.map(({ subscribe }) => subscribe(operation))
    await eventually(() => watching.map(({ answers }) => answers.length)).toEqual([1, 1, 1])
    server.queries.length = 0
    await appendEvents(server, id, [progressEvent(0.5)])
    await eventually(() => watching.map(({ answers }) => answers.length)).toEqual([2, 2, 2])
    expect(server.queries.filter((name) => name === "tracks.byId")).toHaveLength(2)
    for (const { socket } of sockets) socket.close()
  })
})

describe("the other routes", () => {
  const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url(path), { headers })

  it("of operators ask for a key, but say to anybody whether the server lives and is ready", async () => {
    const { token } = await makeKey(server, ["READ"])
    expect((await get("/healthz")).status).toBe(200)
    const ready = await get("/readyz")
    expect([ready.status, await ready.json()]).toEqual([200, { status: "HEALTHY" }])
    expect(await (await get("/readyz", bearer(token))).json()).toMatchObject({ checks: [{ name: "database" }] })
    const refused = await get("/metrics")
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, `Bearer realm="Playhead"`])
    expect((await get("/metrics", bearer(token))).status).toBe(200)
  })

  it("show GraphiQL to anybody: what it asks needs a key", async () => {
    const page = await get("/graphql", { accept: "text/html" })
    expect(page.status).toBe(200)
    const options = (await page.text()).slice(-20_000)
    // Over a WebSocket it would send no headers.
    expect(options).toContain('"subscriptionsProtocol":"SSE"')
    const written = JSON.parse(JSON.parse(/"headers":("(?:[^"\\]|\\.)*")/.exec(options)?.[1] ?? '""') as string) as Record<string, string>
    // A browser refuses to send what is beyond Latin-1, and says so in words that help nobody.
    expect([...new Headers(written).keys()]).toEqual(["authorization"])
    const added = JSON.parse(/"additionalHeaders":(\{[^}]*\})/.exec(options)?.[1] ?? "{}") as Record<string, string>
    const { token } = await makeKey(server, ["READ"])
    const stream = await get(`/graphql?query=${encodeURIComponent("subscription { jobChanged { id } }")}`, { accept: "text/event-stream", ...added, ...bearer(token) })
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/event-stream")])
    await stream.body?.cancel()
    expect((await get("/graphql?query={__typename}", { "graphql-require-preflight": "1" })).status).toBe(401)
  })

  it("take uploads from who may write only", async () => {
    const [reader, writer] = [await makeKey(server, ["READ"]), await makeKey(server, ["WRITE"])]
    const begin = (headers: Record<string, string>) => fetch(server.url("/uploads"), { method: "POST", headers: { "tus-resumable": "1.0.0", "upload-length": "3", ...headers } })
    expect([(await begin({})).status, (await begin(bearer(reader.token))).status]).toEqual([401, 403])
    const begun = await begin(bearer(writer.token))
    expect(begun.status).toBe(201)
    const address = begun.headers.get("location") ?? ""
    const patch = (headers: Record<string, string>) => fetch(address, { method: "PATCH", headers: { "tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream", ...headers }, body: "abc" })
    for (const method of ["HEAD", "DELETE", "PATCH"]) expect((await fetch(address, { method, headers: { "tus-resumable": "1.0.0" } })).status).toBe(401)
    expect([(await patch({})).status, (await patch(bearer(reader.token))).status, (await patch(bearer(writer.token))).status]).toEqual([401, 403, 204])
    const form = new FormData()
    form.set("operations", JSON.stringify({ query: "mutation ($file: File!) { trackUpload(input: { file: $file }) { __typename } }", variables: { file: null } }))
    form.set("map", JSON.stringify({ 0: ["variables.file"] }))
    form.set("0", new Blob(["abc"]), "a.mp3")
    const sent = (token: string) => fetch(server.url(), { method: "POST", headers: bearer(token), body: form })
    expect([(await sent("x")).status, (await sent(reader.token)).status, (await sent(writer.token)).status]).toEqual([401, 403, 200])
  })

  it("hand out media to who has a link or a key, and to nobody else", async () => {
    const { trackId } = await server.insertTrack()
    const artifact = await server.insertArtifact(trackId)
    const { token } = await makeKey(server, ["READ"])
    const { data } = await server.graphql("{ tracks(first: 1) { edges { node { artifacts { url waveform { imageUrl(width: 100) } } } } } }", {}, bearer(token))
    const [{ url, waveform }] = data.tracks.edges[0].node.artifacts
    const headOf = async (address: string, headers: Record<string, string> = {}) => (await fetch(address, { method: "HEAD", headers })).status
    expect(url).toMatch(/\/media\/[\w-]+\?expires=\d+&signature=[\w-]{43}$/)
    expect(await headOf(url)).toBe(200)
    const bare = url.split("?")[0]
    expect([await headOf(bare), await headOf(bare, bearer("wrong")), await headOf(bare, bearer(token))]).toEqual([401, 401, 200])
    // The file of the picture is not there in this test; who may see it was decided before that was found.
    expect(await headOf(waveform.imageUrl)).not.toBe(403)
    expect(await headOf(waveform.imageUrl.replace("/waveform.png", ""))).toBe(403)
    expect(await headOf(url.replace("expires=", "expires=1"))).toBe(403)
    expect(await headOf(url.replace(/media\/[\w-]+/, `media/${artifact}`))).toBe(403)
    const forged = await fetch(`${url}x`)
    expect(await forged.json()).toMatchObject({ status: 403, title: expect.stringContaining("signature") })
  })
})
