import { readdir, readFile } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp, submitImport, watch } from "../support/app.ts"
import { endlessSong, songA } from "../support/audio.ts"
import { engines } from "../support/database.ts"
import { file, type SourceServer, stallInBody, startSourceServer, status } from "../support/sourceServer.ts"

interface JobAnswer {
  readonly __typename: string
  readonly message?: string
  readonly code?: string
  readonly id?: string
  readonly jobStatus?: string
  readonly replayed?: boolean
  readonly job?: { readonly id: string; readonly status: string; readonly priority: string; readonly stages: ReadonlyArray<{ readonly name: string; readonly status: string }>; readonly retryOf: { readonly id: string } | null; readonly track: { readonly status: string } }
}

const jobFields = `job { id status priority stages { name status } retryOf { id } track { status } }`
const errorFields = `... on Error { code message } ... on NotFoundError { id } ... on ConflictError { jobStatus }`

/** ffmpegs at work in a data directory, by /proc. */
const ffmpegsIn = async (dataDir: string): Promise<number> => {
  let found = 0
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
    if (command.includes("ffmpeg") && command.includes(dataDir)) found++
  }
  return found
}

describe.each(engines)("jobs under control on %s", (engine) => {
  let app: App
  let source: SourceServer
  let longSong: string
  let healthy = false

  beforeAll(async () => {
    longSong = await endlessSong("an-hour.mp3", 3600)
    const recovering = (request: IncomingMessage, response: ServerResponse) => healthy ? file(songA, "audio/ogg")(request, response) : status(404)(request, response)
    source = await startSourceServer({
      "/long.mp3": file(longSong),
      "/stalls.mp3": stallInBody(100_000, 5_000_000),
      "/recovers.ogg": recovering,
      "/song.ogg": file(songA, "audio/ogg")
    })
    app = await startApp(engine, { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  const cancel = async (id: string) => (await app.query<{ jobCancel: JobAnswer }>(`mutation($id: ID!) { jobCancel(id: $id) { __typename ... on JobSuccess { ${jobFields} } ${errorFields} } }`, { id })).jobCancel
  const retry = async (id: string, fromStage?: string) =>
    (await app.query<{ jobRetry: JobAnswer }>(`mutation($id: ID!, $from: StageName) { jobRetry(id: $id, fromStage: $from) { __typename ... on JobStartSuccess { replayed ${jobFields} } ${errorFields} } }`, { id, from: fromStage ?? null })).jobRetry
  const prioritize = async (id: string, priority: string) =>
    (await app.query<{ jobPrioritize: JobAnswer }>(`mutation($id: ID!, $priority: JobPriority!) { jobPrioritize(id: $id, priority: $priority) { __typename ... on JobSuccess { ${jobFields} } ${errorFields} } }`, { id, priority })).jobPrioritize

  const submit = async (path: string) => (await submitImport(app, { source: { url: source.url(path) }, allowDuplicate: true })).job?.id ?? ""

  it.each([
    ["analysed", "/long.mp3", async () => await ffmpegsIn(app.dataDir) > 0],
    ["downloaded", "/stalls.mp3", async () => (await app.files()).work > 0]
  ])("end within a second of their cancellation while their audio is %s, and leave no process and no file", async (_what, path, atWork) => {
    const before = await app.files()
    const id = await submit(path)
    const events = watch(app, id)
    await expect.poll(atWork, { timeout: 20_000, interval: 20 }).toBe(true)
    const begun = performance.now()
    const answer = await cancel(id)
    expect(answer.__typename).toBe("JobSuccess")
    expect(["CANCELLING", "CANCELLED"]).toContain(answer.job?.status)
    expect((await events).at(-1)?.__typename).toBe("JobCancelledEvent")
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(await ffmpegsIn(app.dataDir)).toBe(0)
    await expect.poll(app.files, { timeout: 5_000 }).toEqual(before)
    expect((await cancel(id)).job).toMatchObject({ status: "CANCELLED", track: { status: "FAILED" } })
  }, 60_000)

  it("start again after a failure as a new job, for the same track", async () => {
    const id = await submit("/recovers.ogg")
    expect((await watch(app, id)).at(-1)?.__typename).toBe("JobFailedEvent")
    healthy = true
    const answer = await retry(id)
    expect(answer).toMatchObject({ __typename: "JobStartSuccess", replayed: false, job: { retryOf: { id } } })
    const events = await watch(app, answer.job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.filter((event) => event.__typename === "StageStartedEvent").map((event) => event.stage?.name)[0]).toBe("DOWNLOAD")
    const { job } = await app.query<{ job: NonNullable<JobAnswer["job"]> }>(`query($id: ID!) { job(id: $id) { ${jobFields.slice(5, -1)} } }`, { id: answer.job?.id })
    expect(job).toMatchObject({ status: "SUCCEEDED", track: { status: "READY" } })
    expect(job.stages[0]).toEqual({ name: "VALIDATE", status: "REUSED" })
    expect(await retry(id)).toMatchObject({ __typename: "ConflictError", jobStatus: "SUCCEEDED" })
    expect(await cancel(id)).toMatchObject({ __typename: "ConflictError", jobStatus: "FAILED" })
    expect(await prioritize(id, "HIGH")).toMatchObject({ __typename: "ConflictError", jobStatus: "FAILED" })
  })

  it("whose track was deleted are not tried again, and say what to do instead; deleting and retrying at once comes to one of both", async () => {
    const remove = async (id: string) =>
      (await app.query<{ trackDelete: JobAnswer }>(`mutation($id: ID!) { trackDelete(id: $id) { __typename ${errorFields} } }`, { id })).trackDelete
    const failed = async () => {
      const { job, track } = await submitImport(app, { source: { url: source.url("/gone.mp3") } })
      expect((await watch(app, job?.id ?? "")).at(-1)?.__typename).toBe("JobFailedEvent")
      return { jobId: job?.id ?? "", trackId: track?.id ?? "" }
    }
    const deleted = { __typename: "ConflictError", jobStatus: "FAILED", message: expect.stringMatching(/deleted.*Import the recording again/) }

    const first = await failed()
    expect(await remove(first.trackId)).toMatchObject({ __typename: "TrackDeleteSuccess" })
    expect(await retry(first.jobId)).toMatchObject(deleted)

    const second = await failed()
    const [gone, again] = await Promise.all([remove(second.trackId), retry(second.jobId)])
    if (gone.__typename === "TrackDeleteSuccess") expect(again).toMatchObject(deleted)
    else expect([gone.__typename, again.__typename]).toEqual(["ConflictError", "JobStartSuccess"])
  }, 30_000)

  it("are not found under an id of something else, which comes back as it was sent", async () => {
    const { track } = await submitImport(app, { source: { url: source.url("/song.ogg") }, allowDuplicate: true })
    for (const id of ["nonsense", track?.id ?? ""]) {
      for (const answer of [await cancel(id), await retry(id), await prioritize(id, "LOW")]) expect(answer).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND", id })
    }
  })

  it("are one when fifty equal requests come at once under one key", async () => {
    const input = { source: { url: source.url("/song.ogg") }, allowDuplicate: true, idempotencyKey: `fifty on ${engine}` }
    const answers = await Promise.all(Array.from({ length: 50 }, () => submitImport(app, input)))
    expect(new Set(answers.map((answer) => answer.job?.id)).size).toBe(1)
    expect(answers.filter((answer) => answer.replayed === false)).toHaveLength(1)
    expect((await watch(app, answers[0]?.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
  }, 60_000)
})

describe("a job that ran out of tries", () => {
  let app: App
  let source: SourceServer

  beforeAll(async () => {
    const longSong = await endlessSong("an-hour.mp3", 3600)
    source = await startSourceServer({ "/long.mp3": file(longSong) })
    app = await startApp("postgres", { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, FFMPEG_TIMEOUT_SECONDS: "1" })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it("keeps what it has found for a retry, which does not fetch it again", async () => {
    const { job } = await submitImport(app, { source: { url: source.url("/long.mp3") } })
    const events = await watch(app, job?.id ?? "")
    expect(events.at(-1)).toMatchObject({ __typename: "JobFailedEvent", failure: { code: "TIMED_OUT" } })
    expect(events.filter((event) => event.__typename === "StageRetryingEvent")).toHaveLength(3)
    expect((await app.files()).blobs).toBe(1)
    const { jobRetry } = await app.query<{ jobRetry: JobAnswer }>(`mutation($id: ID!) { jobRetry(id: $id) { __typename ... on JobStartSuccess { replayed ${jobFields} } } }`, { id: job?.id })
    const stages = jobRetry.job?.stages.map((stage) => [stage.name, stage.status]).slice(0, 5)
    expect(stages).toEqual([["VALIDATE", "REUSED"], ["DOWNLOAD", "REUSED"], ["PROBE", "REUSED"], ["METADATA", "REUSED"], ["STORE", expect.stringMatching(/PENDING|RUNNING/)]])
    const again = app.subscribe<{ __typename: string; stage?: { name: string } }>(
      "subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageStartedEvent { stage { name } } } }",
      { id: jobRetry.job?.id }
    )
    for await (const event of again) if (event.stage?.name === "ANALYZE") break
    expect(source.requests.filter((request) => request.method === "GET")).toHaveLength(1)
    await app.query(`mutation($id: ID!) { jobCancel(id: $id) { __typename } }`, { id: jobRetry.job?.id })
    await expect.poll(async () => (await app.files()).blobs, { timeout: 10_000 }).toBe(0)
  }, 60_000)
})
