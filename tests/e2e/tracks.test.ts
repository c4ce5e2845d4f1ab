import { statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitImport, watch } from "../support/app.ts"
import { song } from "../support/audio.ts"
import { engines } from "../support/database.ts"
import { bytes, file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

describe.each(engines)("a track on %s", (engine) => {
  let app: App
  let source: SourceServer
  let release = () => {}

  beforeAll(async () => {
    const path = await song("described.mp3", { seconds: 5, tags: { title: "Of the file", artist: "Artist of the file", album: "Album of the file" } })
    const released = new Promise<void>((resolve) => { release = resolve })
    source = await startSourceServer({
      "/slow.mp3": (_, response) => {
        response.writeHead(200, { "content-type": "audio/mpeg", "content-length": statSync(path).size })
        response.flushHeaders()
        void released.then(async () => response.end(await readFile(path)))
      }
    })
    app = await startApp(engine, { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it("keeps what was changed while it was imported, cannot be deleted then, and leaves nothing behind when it is", async () => {
    const answer = await submitImport(app, { source: { url: source.url("/slow.mp3") } })
    const id = answer.track?.id
    const remove = () => app.query<{ trackDelete: { __typename: string } }>("mutation ($id: ID!) { trackDelete(id: $id) { __typename } }", { id })
    expect((await remove()).trackDelete.__typename).toBe("ConflictError")
    await app.query(`mutation ($id: ID!) { trackUpdate(id: $id, input: { title: "Mine", album: null }) { __typename } }`, { id })
    release()
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")

    const { track } = await app.query<{ track: object }>("query ($id: ID!) { track(id: $id) { status title artist album metadataQuality } }", { id })
    expect(track).toEqual({ status: "READY", title: "Mine", artist: "Artist of the file", album: null, metadataQuality: 0.5 })
    const { tracks } = await app.query<{ tracks: { edges: ReadonlyArray<{ node: { id: string } }> } }>(`{ tracks(search: "mine artist") { edges { node { id } } } }`)
    expect(tracks.edges).toEqual([{ node: { id } }])

    expect((await app.files()).blobs).toBeGreaterThan(1)
    expect((await remove()).trackDelete.__typename).toBe("TrackDeleteSuccess")
    expect(await app.files()).toEqual({ blobs: 0, work: 0 })
    expect(await app.sql("select sha256 from blob union all select sha256 from job_blob")).toEqual([])
  })
})

describe("a file with thin tags", () => {
  it("is described by the catalogue, as far as neither the file nor the client says anything", async () => {
    const path = await song("thin.mp3", { seconds: 5, tags: { title: "Jóga", artist: "Björk" } })
    const cover = Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex")
    const source = await startSourceServer({
      "/thin.mp3": file(path),
      "/a/600x600bb.jpg": bytes(cover, { "content-type": "image/jpeg" }),
      "/search": (request, response) => response.end(JSON.stringify({ resultCount: 1, results: [{
        artistName: "Björk", trackName: "Jóga", collectionName: "Homogenic", primaryGenreName: "Electronic", releaseDate: "1997-09-22T12:00:00Z", trackNumber: 2,
        artworkUrl100: `http://${request.headers.host}/a/100x100bb.jpg`
      }] }))
    })
    const app = await startApp("pglite", { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, ITUNES_BASE_URL: source.url("/") })
    const { answer, last } = await importToEnd(app, { source: { url: source.url("/thin.mp3") }, album: "Mine" })
    expect(last?.__typename).toBe("JobSucceededEvent")
    const { track } = await app.query<{ track: object }>(
      "query ($id: ID!) { track(id: $id) { title artist album genres year trackNumber metadataQuality cover { mediaType sizeBytes } } }",
      { id: answer.track?.id }
    )
    expect(track).toEqual({
      title: "Jóga", artist: "Björk", album: "Mine", genres: ["Electronic"], year: 1997, trackNumber: 2, metadataQuality: 0.95,
      cover: { mediaType: "image/jpeg", sizeBytes: cover.length }
    })
    await app.stop()
    await source.close()
  })
})
