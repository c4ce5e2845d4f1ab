import { createClient } from "graphql-ws"
import { describe, expect, it } from "vitest"
import WebSocket from "ws"
import { engines } from "../../support/database.ts"
import { type TestServer, trackId, useTestServer } from "../../support/testServer.ts"

interface Seen {
  readonly id: string
  readonly title: string
  readonly status: string
  readonly artifacts: ReadonlyArray<{ readonly role: string }>
}

/** Collects in the background what a subscription sends. */
const watch = (server: TestServer, filter: object | null = null) => {
  const seen: Array<Seen> = []
  const client = createClient({ url: server.url().replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 })
  client.subscribe<{ trackChanged: Seen }>(
    { query: "subscription ($filter: TrackFilter) { trackChanged(filter: $filter) { id title status artifacts { role } } }", variables: { filter } },
    { next: ({ data }) => { if (data) seen.push(data.trackChanged) }, error: () => {}, complete: () => {} }
  )
  return { seen, titles: () => seen.map(({ title }) => title), stop: () => client.dispose() }
}

/** Long, for a busy machine; most are done at once. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 10_000 })

describe.each(engines)("watching tracks on %s", (engine) => {
  const server = useTestServer(engine)
  const rename = (id: string, title: string) => server.sql("update track set title = $2, updated_at = now() where id = $1", [id, title])

  it("tells at once of imports under way, then of every change, whoever makes it", async () => {
    const busy = await server.insertTrack({ title: "Busy", status: "PROCESSING" })
    const ready = await server.insertTrack({ title: "Ready", status: "READY" })
    const { seen, stop, titles } = watch(server)
    await eventually(titles).toEqual(["Busy"])
    await rename(ready.trackId, "Renamed")
    await eventually(titles).toEqual(["Busy", "Renamed"])
    const mutation = await server.graphql(`mutation ($id: ID!) { trackUpdate(id: $id, input: { title: "Again" }) { __typename } }`, { id: trackId(busy.trackId) })
    expect(mutation.data.trackUpdate.__typename).toBe("TrackUpdateSuccess")
    await eventually(titles).toEqual(["Busy", "Renamed", "Again"])
    await server.insertArtifact(ready.trackId, "VOCALS")
    await eventually(() => seen.at(-1)).toMatchObject({ id: trackId(ready.trackId), artifacts: [{ role: "VOCALS" }] })
    await stop()
  })

  it("tells only of tracks that match", async () => {
    const one = await server.insertTrack({ title: "One", artist: "Björk", status: "READY" })
    const other = await server.insertTrack({ title: "Other", artist: "Somebody", status: "READY" })
    const { stop, titles } = watch(server, { artist: "bjork", status: ["READY", "PENDING"] })
    const later = await server.insertTrack({ title: "Later", artist: "BJÖRK", status: "PENDING" })
    await eventually(titles).toContain("Later")
    await rename(other.trackId, "Other 2")
    await rename(one.trackId, "One 2")
    await eventually(titles).toContain("One 2")
    await server.sql("update track set artist = 'Nobody' where id = $1", [later.trackId])
    await rename(later.trackId, "Later 2")
    await rename(one.trackId, "One 3")
    await eventually(titles).toContain("One 3")
    expect(titles().filter((title) => /Other|Later 2/.test(title))).toEqual([])
    await stop()
  })

  it("is not disturbed by a track that is deleted", async () => {
    const { stop, titles } = watch(server)
    const gone = await server.insertTrack({ title: "Gone" })
    await eventually(titles).toContain("Gone")
    await server.sql("delete from track where id = $1", [gone.trackId])
    await server.insertTrack({ title: "Still here" })
    await eventually(titles).toContain("Still here")
    await stop()
  })
})
