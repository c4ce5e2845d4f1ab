import { readdir, readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitImport, watch } from "../support/app.ts"
import { song } from "../support/audio.ts"

const standIn = fileURLToPath(new URL("../support/yt-dlp.mjs", import.meta.url))
const host = "127.0.0.1:9"

const standInsRunning = async (): Promise<number> => {
  let found = 0
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    if ((await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes(standIn)) found += 1
  }
  return found
}

describe("a page with a video", () => {
  let app: App
  let bare: App
  let wrong: App

  beforeAll(async () => {
    process.env["STAND_IN_AUDIO"] = await song("of-a-page.webm", { seconds: 4, args: ["-c:a", "libopus"] })
    const environment = { PLAYHEAD_ALLOW_PRIVATE_SOURCES: host, DOWNLOAD_TIMEOUT_SECONDS: "5" }
    app = await startApp("pglite", { ...environment, YTDLP_PATH: standIn })
    bare = await startApp("pglite", environment)
    wrong = await startApp("pglite", { ...environment, YTDLP_PATH: "/nonexistent/yt-dlp" })
  })
  afterAll(async () => {
    await Promise.all([app.stop(), bare.stop(), wrong.stop()])
    delete process.env["STAND_IN_AUDIO"]
  })

  const page = (path: string) => ({ source: { videoPage: `http://${host}/${path}?v=abc123&--exec=x` }, allowDuplicate: true })

  it("is imported with what the page says of it, and its progress is seen", async () => {
    const answer = await submitImport(app, page("song"))
    const progress: Array<number> = []
    for await (const event of app.subscribe<{ __typename: string; progress?: number; stage?: { name: string } }>(
      "subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageProgressedEvent { progress stage { name } } } }",
      { id: answer.job?.id }
    )) if (event.stage?.name === "DOWNLOAD") progress.push(event.progress ?? 0)
    const { track } = await app.query<{ track: unknown }>("query($id: ID!) { track(id: $id) { status title artist container source { kind url filename } } }", { id: answer.track?.id })
    expect(track).toEqual({
      status: "READY", title: "Metal Madness", artist: "Tommi Inkila", container: "WebM",
      source: { kind: "VIDEO_PAGE", url: `http://${host}/song?v=abc123&--exec=x`, filename: "Metal Madness.webm" }
    })
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.every((fraction) => fraction > 0 && fraction <= 1)).toBe(true)
  })

  it("without a title of its own has the video's", async () => {
    const { answer } = await importToEnd(app, page("plain"))
    const { track } = await app.query<{ track: unknown }>("query($id: ID!) { track(id: $id) { title artist } }", { id: answer.track?.id })
    expect(track).toEqual({ title: "Metal Madness (Official Video)", artist: "somebody" })
  })

  it.each([
    ["gone", "PROVIDER_FAILED", "removed by the uploader"],
    ["private", "PROVIDER_FAILED", "Private video"],
    ["list", "PROVIDER_FAILED", "one video"],
    ["live", "PROVIDER_FAILED", "live stream"],
    ["endless", "RESOURCE_LIMIT", "longer"],
    ["large", "TOO_LARGE", "larger"],
    ["page", "UNSUPPORTED_MEDIA", "audio"]
  ])("that is %s fails at once, as what it is", async (path, code, words) => {
    const { answer, events, last } = await importToEnd(app, page(path))
    expect(answer.__typename).toBe("TrackImportSuccess")
    expect(last).toMatchObject({ __typename: "JobFailedEvent", failure: { code, message: expect.stringContaining(words) } })
    expect(events.some((event) => event.__typename === "StageRetryingEvent")).toBe(false)
    expect(last?.failure?.message).not.toContain("/tmp")
  })

  it.each([
    ["busy", "PROVIDER_FAILED", "429"],
    ["down", "PROVIDER_FAILED", "HTTP Error 503: Service Unavailable (caused by <HTTPError 503>)."],
    ["broken", "PROVIDER_FAILED", "Connection reset"],
    ["crash", "PROVIDER_FAILED", "by hand"],
    ["gibberish", "PROVIDER_FAILED", "could not be understood"],
    ["stuck", "TIMED_OUT", "5 s"],
    ["stuck-later", "TIMED_OUT", "5 s"]
  ])("that is %s is tried again, since that may pass", async (path, _code, words) => {
    const answer = await submitImport(app, page(path))
    let failure: { message: string } | undefined
    for await (const event of app.subscribe<{ __typename: string; failure?: { message: string } }>(
      "subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageRetryingEvent { failure { message } } } }",
      { id: answer.job?.id }
    )) {
      if (event.__typename !== "StageRetryingEvent") continue
      failure = event.failure
      break
    }
    expect(failure?.message).toContain(words)
    await app.query("mutation($id: ID!) { jobCancel(id: $id) { __typename } }", { id: answer.job?.id })
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobCancelledEvent")
    await expect.poll(standInsRunning, { timeout: 10_000 }).toBe(0)
    expect((await app.files()).work).toBe(0)
    // Five failures in a row would have yt-dlp left alone for a minute.
    expect((await importToEnd(app, page("plain"))).last?.__typename).toBe("JobSucceededEvent")
  })

  it("is not imported without a yt-dlp, which is said at once, nor by a program that is none", async () => {
    expect(await submitImport(bare, page("song"))).toMatchObject({ __typename: "NotConfiguredError", settings: ["YTDLP_PATH"] })
    const { last } = await importToEnd(wrong, page("song"))
    expect(last).toMatchObject({ __typename: "JobFailedEvent", failure: { code: "NOT_CONFIGURED", message: expect.stringContaining("YTDLP_PATH") } })
  })

  it("of a private network, or that is no web page, is refused", async () => {
    expect(await submitImport(app, { source: { videoPage: "http://10.0.0.1/song" } })).toMatchObject({ __typename: "SourceBlockedError" })
    expect(await submitImport(app, { source: { videoPage: "file:///etc/passwd" } })).toMatchObject({ __typename: "InvalidInputError" })
  })
})
