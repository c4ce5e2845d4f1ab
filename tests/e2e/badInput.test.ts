import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, type Event, importToEnd, startApp, submitImport, submitUpload } from "../support/app.ts"
import { encoded, id3Tag, song, truncated, videoWithoutAudio, wavPromising4GB, written } from "../support/audio.ts"
import { bytes, file, misannounced, redirectTo, resetInBody, type SourceServer, stallInBody, startSourceServer, status } from "../support/sourceServer.ts"

const randomBytes = () => {
  // Seeded, so that a chance sync word is there in every run or in none (mulberry32).
  let state = 7
  return Uint8Array.from({ length: 10_000_000 }, () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) & 0xff
  })
}

describe("what cannot be imported", () => {
  let app: App
  let source: SourceServer
  let importDir: string

  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-import-"))
    await writeFile(join(importDir, "notes.txt"), "Only words.")
    await symlink("/etc/passwd", join(importDir, "link.mp3"))
    source = await startSourceServer({
      "/empty.mp3": bytes(""),
      "/truncated.mp3": file(await truncated("cut.mp3", await song("whole.mp3", { seconds: 20 }))),
      "/truncated.flac": file(await truncated("cut.flac", await song("whole.flac", { seconds: 20 }))),
      "/random.mp3": file(await written("random.mp3", randomBytes())),
      "/text.mp3": bytes("This is a letter, not a song.\n".repeat(50)),
      "/playlist.mp3": bytes("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nhttp://169.254.169.254/latest/meta-data\n"),
      "/silent-film.mp4": file(await videoWithoutAudio("silent-film.mp4")),
      "/promises.wav": file(await wavPromising4GB()),
      "/long.mp3": file(await encoded("five-hours.mp3", ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=18000", "-b:a", "8k"])),
      "/stall.mp3": stallInBody(10_000, 1_000_000),
      "/reset.mp3": resetInBody(10_000, 1_000_000),
      "/more.mp3": misannounced(200_000, 1000),
      "/metadata": redirectTo("http://169.254.169.254/latest/meta-data"),
      "/loop": redirectTo("/loop"),
      "/gone.mp3": status(404),
      "/busy.mp3": status(503),
      "/tags.mp3": bytes(Buffer.concat([id3Tag({ TIT2: `Zero\u0000Byte ${"x".repeat(1_000_000)}`, TPE1: "A\u0000rtist" }), await readFile(await song("plain.mp3", { seconds: 5, args: ["-write_id3v2", "0"] }))]))
    })
    app = await startApp("postgres", {
      PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host,
      PLAYHEAD_IMPORT_DIR: importDir,
      DOWNLOAD_TIMEOUT_SECONDS: "2",
      MAX_UPLOAD_MB: "50"
    })
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
    await rm(importDir, { recursive: true })
  })

  const failed = (last: Event | undefined, failure: object) => expect(last).toMatchObject({ __typename: "JobFailedEvent", failure })

  it.each([
    ["an empty file", "/empty.mp3", { __typename: "UnsupportedMediaError", message: expect.stringContaining("empty file") }],
    ["a truncated MP3", "/truncated.mp3", { __typename: "AudioProcessingError" }],
    ["a truncated FLAC", "/truncated.flac", { __typename: "AudioProcessingError" }],
    ["random bytes named .mp3", "/random.mp3", { __typename: "UnsupportedMediaError" }],
    ["a text file", "/text.mp3", { __typename: "UnsupportedMediaError" }],
    ["an HLS playlist named .mp3", "/playlist.mp3", { __typename: "UnsupportedMediaError", message: expect.stringContaining("playlist") }],
    ["a video without sound", "/silent-film.mp4", { __typename: "UnsupportedMediaError" }],
    ["a WAV that promises 4 GB", "/promises.wav", { __typename: "AudioProcessingError" }],
    ["five hours", "/long.mp3", { __typename: "ResourceLimitError", message: expect.stringContaining("240 minutes") }],
    ["a redirect to the metadata service", "/metadata", { __typename: "SourceBlockedError" }],
    ["a 404", "/gone.mp3", { __typename: "SourceUnreachableError", message: expect.stringContaining("404") }]
  ])("says why of %s", async (_, path, failure) => {
    const { last } = await importToEnd(app, { source: { url: source.url(path) } })
    failed(last, failure)
  })

  it.each([
    ["stalls", "/stall.mp3", "TimedOutError"],
    ["resets in mid-body", "/reset.mp3", "SourceUnreachableError"],
    ["sends more than it announced", "/more.mp3", "SourceUnreachableError"],
    ["redirects to itself for ever", "/loop", "SourceUnreachableError"],
    ["answers 503", "/busy.mp3", "SourceUnreachableError"]
  ])("tries a source that %s again, visibly, and then says why", async (_, path, type) => {
    const { last, events } = await importToEnd(app, { source: { url: source.url(path) } })
    failed(last, { __typename: type })
    if (path !== "/loop") expect(events.filter((event) => event.__typename === "StageRetryingEvent").length).toBeGreaterThanOrEqual(1)
  })

  it("imports a song whose tags are rubbish, and cleans them", async () => {
    const { answer, last } = await importToEnd(app, { source: { url: source.url("/tags.mp3") }, allowDuplicate: true })
    expect(last?.__typename).toBe("JobSucceededEvent")
    const { track } = await app.query<{ track: { title: string; artist: string } }>("query($id: ID!) { track(id: $id) { title artist } }", { id: answer.track?.id })
    expect(track.title.length).toBeLessThanOrEqual(200)
    expect(track.title + track.artist).not.toContain("\u0000")
  })

  it.each(["../../etc/passwd", "/etc/passwd", "link.mp3", "missing.mp3"])("does not import the file %s", async (path) => {
    expect(await submitImport(app, { source: { file: path } })).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" })
  })

  it("refuses a local text file at once", async () => {
    expect(await submitImport(app, { source: { file: "notes.txt" } })).toMatchObject({ __typename: "UnsupportedMediaError" })
  })

  it.each([["no characters", ""], ["only spaces", "   "], ["201 characters", "x".repeat(201)]])("refuses a title of %s, naming the field", async (_, title) => {
    expect(await submitImport(app, { source: { url: source.url("/gone.mp3") }, title })).toMatchObject({
      __typename: "InvalidInputError",
      issues: [{ path: ["input", "title"] }]
    })
  })

  it("takes a title of 200 characters", async () => {
    expect(await submitImport(app, { source: { url: source.url("/gone.mp3") }, title: "x".repeat(200) })).toMatchObject({ __typename: "TrackImportSuccess" })
  })

  it.each(["http://169.254.169.254/", "http://127.0.0.1:9/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0x7f.1/", "http://2130706433/", "http://localhost/"])(
    "refuses %s at once",
    async (url) => {
      expect(await submitImport(app, { source: { url } })).toMatchObject({ __typename: "SourceBlockedError", code: "SOURCE_BLOCKED" })
    }
  )

  it.each(["ftp://example.com/a.mp3", "file:///etc/passwd", "song.mp3", "javascript:alert(1)"])("refuses %s as no web address", async (url) => {
    expect(await submitImport(app, { source: { url } })).toMatchObject({ __typename: expect.stringMatching(/^(InvalidInputError|SourceBlockedError)$/) })
  })

  it("refuses an upload that is no audio, and one that is too large, and keeps neither", async () => {
    expect(await submitUpload(app, Buffer.from("#EXTM3U\nhttp://x/"), "song.mp3")).toMatchObject({ __typename: "UnsupportedMediaError" })
    const [before] = await app.sql<{ tracks: number }>("select count(*)::int as tracks from track")
    expect(before?.tracks).toBeGreaterThan(0)
  })

  it("knows neither unknown ids nor ids of another type", async () => {
    const asked = await app.query<object>(`{ a: track(id: "nonsense") { id } b: job(id: "VHJhY2s6MDFhMWZjMjAtZGRlYS03MmRmLWI3NjktM2EzNTIzZmE2ZDJj") { id } c: node(id: "AAAA") { id } }`)
    expect(asked).toEqual({ a: null, b: null, c: null })
    await expect(Array.fromAsync(app.subscribe(`subscription { jobEvents(jobId: "nonsense") { sequence } }`))).rejects.toThrow("NOT_FOUND")
  })

  it("leaves no artifact, no fingerprint, no file and no process behind", async () => {
    const [row] = await app.sql<object>(`select
      (select count(*)::int from artifact a join track t on t.id = a.track_id where t.status = 'FAILED') as artifacts,
      (select count(*)::int from fingerprint f join track t on t.id = f.track_id where t.status = 'FAILED') as fingerprints,
      (select count(*)::int from job_blob h join job j on j.id = h.job_id where j.status in ('SUCCEEDED', 'FAILED')) as held`)
    expect(row).toEqual({ artifacts: 0, fingerprints: 0, held: 0 })
    // Files go after the commit that ends their job; of all this only the song with the odd tags is left.
    await expect.poll(app.files, { timeout: 10_000 }).toEqual({ blobs: 5, work: 0 })
  })
})
