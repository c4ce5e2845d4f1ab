import { readFile } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import WaveformData from "waveform-data"
import { type App, importToEnd, startApp, submitImport, submitUpload, watch } from "../support/app.ts"
import { song, songB } from "../support/audio.ts"
import { engines } from "../support/database.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- whatever was asked for
type TrackAnswer = any

const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64")

describe.each(engines)("an import on %s", (engine) => {
  let app: App
  let source: SourceServer
  let tagged: string

  beforeAll(async () => {
    tagged = await song("tagged-song.mp3", { seconds: 20, tags: { title: "Metal Madness", artist: "Tommi Inkila", album: "Fuzzy Logic", date: "2006", genre: "Metal", track: "3" } })
    source = await startSourceServer({ "/songs/my%20song.mp3": file(tagged), "/b.ogg": file(songB, "audio/ogg") })
    app = await startApp(engine, { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it("brings a song from an address to a ready track, with every stage visible over the WebSocket", async () => {
    const { answer, events, last } = await importToEnd(app, { source: { url: source.url("/songs/my%20song.mp3") }, tags: ["loud"] })
    expect(answer).toMatchObject({ __typename: "TrackImportSuccess", replayed: false, track: { title: "my song", status: "PENDING" } })
    expect(last?.__typename).toBe("JobSucceededEvent")
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1))
    expect(events.slice(0, 2).map((event) => event.__typename)).toEqual(["JobQueuedEvent", "JobStartedEvent"])
    for (const type of ["StageStartedEvent", "StageSucceededEvent"]) {
      expect(events.filter((event) => event.__typename === type).map((event) => event.stage?.name))
        .toEqual(["VALIDATE", "DOWNLOAD", "PROBE", "METADATA", "STORE", "ANALYZE", "FINGERPRINT", "FINALIZE"])
    }

    const { track } = await app.query<{ track: TrackAnswer }>(
      `query($id: ID!) { track(id: $id) {
        status title artist album genres year trackNumber tags codec container sampleRateHz channels durationMs sizeBytes contentHash metadataQuality
        source { kind url filename } loudness { integratedLufs truePeakDbtp rangeLu }
        waveform { samplesPerPixel jsonUrl datUrl(samplesPerPixel: 1024) imageUrl(width: 300, height: 60) }
        artifacts { role url sizeBytes sha256 mediaType durationMs producedBy { kind } } latestJob { status progress stages { status progress } }
      } }`,
      { id: answer.track?.id }
    )
    expect(track).toMatchObject({
      status: "READY", title: "Metal Madness", artist: "Tommi Inkila", album: "Fuzzy Logic", genres: ["Metal"], year: 2006, trackNumber: 3, tags: ["loud"],
      codec: "mp3", container: "MP3", source: { kind: "URL" }, latestJob: { status: "SUCCEEDED", progress: 1 }
    })
    expect(track.durationMs).toBeGreaterThan(19_900)
    expect(track.durationMs).toBeLessThan(20_100)
    expect(track.loudness.integratedLufs).toBeGreaterThan(-20)
    expect(track.loudness.integratedLufs).toBeLessThan(-5)
    expect(track.metadataQuality).toBeGreaterThan(0.7)

    const [original] = track.artifacts
    const bytes = Buffer.from(await (await fetch(original.url)).arrayBuffer())
    expect(bytes.equals(await readFile(tagged))).toBe(true)
    const waveform = WaveformData.create(await (await fetch(track.waveform.datUrl)).arrayBuffer())
    expect(waveform.scale).toBe(1024)
    expect(Math.abs(waveform.duration * 1000 - track.durationMs)).toBeLessThan(50)
    const json = (await (await fetch(track.waveform.jsonUrl)).json()) as { samples_per_pixel: number; data: ReadonlyArray<number>; length: number }
    expect(json.samples_per_pixel).toBe(256)
    expect(json.data).toHaveLength(json.length * 2)
    const picture = Buffer.from(await (await fetch(track.waveform.imageUrl)).arrayBuffer())
    expect(picture.subarray(0, 8)).toEqual(png.subarray(0, 8))
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([300, 60])
  })

  it("lets what the client says win over the file's tags, on an upload too", async () => {
    const cover = await song("upload.flac", { seconds: 3, tags: { title: "From the file", artist: "From the file" } })
    const answer = await submitUpload(app, await readFile(cover), "whatever.txt", { title: "Chosen", allowDuplicate: true })
    expect(answer.__typename).toBe("TrackImportSuccess")
    const events = await watch(app, answer.job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    const { track } = await app.query<{ track: TrackAnswer }>(`query($id: ID!) { track(id: $id) { status title artist codec source { kind filename } } }`, { id: answer.track?.id })
    expect(track).toEqual({ status: "READY", title: "Chosen", artist: "From the file", codec: "flac", source: { kind: "UPLOAD", filename: "whatever.txt" } })
  })

  it("answers the same request under the same key once, and another one with a conflict", async () => {
    const input = { source: { url: source.url("/b.ogg") }, idempotencyKey: `key-${engine}` }
    const first = await submitImport(app, input)
    const answers = await Promise.all(Array.from({ length: 10 }, () => submitImport(app, input)))
    for (const answer of answers) expect(answer).toMatchObject({ __typename: "TrackImportSuccess", replayed: true, job: first.job, track: { id: first.track?.id } })
    expect(await submitImport(app, { ...input, title: "Another" })).toMatchObject({ __typename: "IdempotencyConflictError", code: "IDEMPOTENCY_CONFLICT", job: first.job })
    await watch(app, first.job?.id ?? "")
  })

  it("leaves nothing in the places of work, and no blob that nobody refers to", async () => {
    expect((await app.files()).work).toBe(0)
    const [row] = await app.sql<{ blobs: number; held: number }>("select (select count(*)::int from blob) as blobs, (select count(*)::int from job_blob) as held")
    expect(row).toEqual({ blobs: (await app.files()).blobs, held: 0 })
  })
})
