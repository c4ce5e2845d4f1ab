import { readFile } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitUpload, watch } from "../support/app.ts"
import { encoded, songA, songB, speech } from "../support/audio.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

describe("the same recording twice", () => {
  let app: App
  let source: SourceServer
  let originalId: string | undefined

  beforeAll(async () => {
    source = await startSourceServer({
      "/a.ogg": file(songA, "audio/ogg"),
      "/b.ogg": file(songB, "audio/ogg"),
      "/speech.mp3": file(speech),
      "/a-96k.mp3": file(await encoded("a-96k.mp3", ["-i", songA, "-b:a", "96k"])),
      "/a-96k.m4a": file(await encoded("a-96k.m4a", ["-i", songA, "-b:a", "96k"])),
      "/a-without-10-s.mp3": file(await encoded("a-without-10-s.mp3", ["-ss", "10", "-i", songA, "-b:a", "128k"])),
      "/a-10-s.wav": file(await encoded("a-10-s.wav", ["-ss", "8.3", "-t", "10", "-i", songA]))
    })
    app = await startApp("postgres", { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
    const { answer, last } = await importToEnd(app, { source: { url: source.url("/a.ogg") } })
    expect(last?.__typename).toBe("JobSucceededEvent")
    originalId = answer.track?.id
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it("is refused by its bytes, naming the track that is there", async () => {
    const { last, answer } = await importToEnd(app, { source: { url: source.url("/a.ogg") } })
    expect(last).toMatchObject({ __typename: "JobFailedEvent", failure: { __typename: "DuplicateTrackError", similarity: 1, track: { id: originalId } } })
    const { track } = await app.query<{ track: object }>(`query($id: ID!) { track(id: $id) { status artifacts { id } contentHash } }`, { id: answer.track?.id })
    expect(track).toEqual({ status: "FAILED", artifacts: [], contentHash: null })
  })

  it("is refused at once where the bytes are known at once", async () => {
    expect(await submitUpload(app, await readFile(songA), "again.ogg")).toMatchObject({ __typename: "DuplicateTrackError", code: "DUPLICATE_TRACK" })
  })

  it.each(["/a-96k.mp3", "/a-96k.m4a", "/a-without-10-s.mp3", "/a-10-s.wav"])("is recognised in %s", async (path) => {
    const { last } = await importToEnd(app, { source: { url: source.url(path) } })
    expect(last).toMatchObject({ __typename: "JobFailedEvent", failure: { __typename: "DuplicateTrackError", track: { id: originalId } } })
    expect(last?.failure?.similarity).toBeGreaterThan(0.85)
    expect(last?.failure?.similarity).toBeLessThan(1)
  })

  it.each(["/b.ogg", "/speech.mp3"])("is not seen in another recording (%s)", async (path) => {
    const { last } = await importToEnd(app, { source: { url: source.url(path) } })
    expect(last?.__typename).toBe("JobSucceededEvent")
  })

  it("is imported all the same when the client says so", async () => {
    const { last } = await importToEnd(app, { source: { url: source.url("/a-96k.mp3") }, allowDuplicate: true })
    expect(last?.__typename).toBe("JobSucceededEvent")
  })

  it("gets in once when two encodings of it come at the same time", async () => {
    // Played faster it is a recording of its own.
    const faster = ["-i", songA, "-af", "asetrate=44100*1.3,aresample=44100"]
    const encodings = await Promise.all([encoded("faster.mp3", [...faster, "-b:a", "96k"]), encoded("faster.ogg", [...faster, "-b:a", "128k"])])
    const answers = await Promise.all(encodings.map(async (path) => submitUpload(app, await readFile(path), path)))
    const ends = await Promise.all(answers.map(async (answer) => (await watch(app, answer.job?.id ?? "")).at(-1)))
    expect(ends.map((end) => end?.__typename).toSorted()).toEqual(["JobFailedEvent", "JobSucceededEvent"])
    expect(ends.find((end) => end?.failure !== undefined)?.failure).toMatchObject({ __typename: "DuplicateTrackError" })
  })

  it("leaves no file of what was refused", async () => {
    await expect.poll(() => app.sql("select sha256 from blob b where not exists (select 1 from artifact a where a.sha256 = b.sha256) and not exists (select 1 from waveform w where w.sha256 = b.sha256)")).toEqual([])
    const [row] = await app.sql<{ blobs: number; held: number }>("select (select count(*)::int from blob) as blobs, (select count(*)::int from job_blob h join job j on j.id = h.job_id where j.status in ('SUCCEEDED','FAILED')) as held")
    expect(row?.held).toBe(0)
    // Files go after the commit that ends their job.
    await expect.poll(async () => (await app.files()).blobs).toBe(row?.blobs)
  })
})
