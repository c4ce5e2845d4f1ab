import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { WebSocket } from "ws"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ProviderError } from "../../../src/domain/errors.ts"
import { layer as logging } from "../../../src/logging.ts"
import { type App, startApp } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { testDatabase } from "../../support/database.ts"
import { scriptedKind, startEngine } from "../../support/jobEngine.ts"
import { captureLogLines, type LogLine } from "../../support/logLines.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

describe("the log", () => {
  let app: App
  let importDir: string
  let log: ReturnType<typeof captureLogLines>

  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-logs-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    await writeFile(join(importDir, "broken.ogg"), (await readFile(songA)).subarray(0, 3_000))
    log = captureLogLines()
    app = await startApp("pglite", { PLAYHEAD_IMPORT_DIR: importDir, LOG_LEVEL: "debug" })
  })
  afterAll(async () => {
    await app.stop()
    log.restore()
    await rm(importDir, { recursive: true, force: true })
  })

  const post = (query: string, variables: object, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${app.url}/graphql`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ query, variables }) })
  const submit = async (file: string, headers: Readonly<Record<string, string>>) => {
    const response = await post(
      "mutation Bring($input: TrackImportInput!) { trackImport(input: $input) { ... on TrackImportSuccess { track { id } job { id } } } }",
      { input: { source: { file } } },
      headers
    )
    expect(await response.json()).toMatchObject({ data: { trackImport: { job: { id: expect.any(String) } } } })
    const [row] = await app.sql<{ id: string; track_id: string }>("select id, track_id from job order by created_at desc limit 1")
    await expect.poll(async () => (await app.sql<{ status: string }>(`select status from job where id = '${row?.id}'`))[0]?.status, { timeout: 60_000 }).toMatch(/SUCCEEDED|FAILED/)
    return { jobId: row?.id, trackId: row?.track_id }
  }
  const linesOf = (jobId: string | undefined): ReadonlyArray<LogLine> => log.lines.filter((line) => line.jobId === jobId)

  it("bears the ids of request, trace, job and track on every line of a job, and the stage where there is one", async () => {
    const { jobId, trackId } = await submit("song.ogg", { "x-request-id": "upload-7", traceparent })
    const stageLines = () => linesOf(jobId).filter((line) => line.message === "The stage is finished")
    await expect.poll(() => stageLines().length).toBe(8)
    const [lines, stages] = [linesOf(jobId), stageLines()]
    expect(stages.map((line) => line.stage)).toEqual(["VALIDATE", "DOWNLOAD", "PROBE", "METADATA", "STORE", "ANALYZE", "FINGERPRINT", "FINALIZE"])
    expect(lines.filter(({ message }) => message === "The job succeeded")).toMatchObject([{ level: "info" }])
    for (const line of lines) {
      expect(line).toMatchObject({ jobId, trackId, requestId: "upload-7", kind: "IMPORT" })
      expect(line.traceId).toMatch(/^[0-9a-f]{32}$/)
      expect(line.spanId).toMatch(/^[0-9a-f]{16}$/)
    }
    for (const line of stages) expect(line.data?.["durationMs"]).toBeGreaterThanOrEqual(0)
    // The run has a trace of its own, one for all of it, which links to the request's.
    expect(new Set(lines.map((line) => line.traceId)).size).toBe(1)
    expect(lines[0]?.traceId).not.toBe(traceId)
  })

  it("has one line for a job's failure, with its code, its stage and its ids", async () => {
    const { jobId, trackId } = await submit("broken.ogg", { "x-request-id": "bad-file" })
    const told = linesOf(jobId).filter((line) => line.error !== undefined)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ level: "warn", message: "The job failed", jobId, trackId, requestId: "bad-file", kind: "IMPORT", stage: expect.any(String), error: { code: expect.stringMatching(/^[A-Z_]+$/) } })
  })

  it("times each operation under the request's id, within the client's trace", async () => {
    const response = await post("query Look { health { status } }", {}, { "x-request-id": "look-1", traceparent })
    await response.text()
    expect(response.headers.get("x-request-id")).toBe("look-1")
    await expect.poll(() => log.lines.find((line) => line.requestId === "look-1")).toMatchObject({
      level: "debug", traceId, data: { type: "query", field: "health", name: "Look", outcome: "ok" }
    })
  })

  it.each(["", "two words", "a".repeat(129), '"quoted"'])("gives a request whose id is %j one of its own", async (given) => {
    const response = await post("{ health { status } }", {}, { "x-request-id": given })
    await response.text()
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/)
  })

  it("gives each operation on a socket an id of its own", async () => {
    const socket = new WebSocket(`${app.url.replace("http", "ws")}/graphql`, "graphql-transport-ws")
    const messages: Array<{ type: string; id?: string }> = []
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString())))
    await new Promise((resolve) => socket.once("open", resolve))
    socket.send(JSON.stringify({ type: "connection_init" }))
    await expect.poll(() => messages.length).toBe(1)
    for (const id of ["1", "2"]) {
      socket.send(JSON.stringify({ type: "subscribe", id, payload: { query: "query OnSocket { health { version } }", extensions: { traceparent } } }))
    }
    await expect.poll(() => messages.filter(({ type }) => type === "complete").length).toBe(2)
    socket.close()
    const lines = log.lines.filter((line) => line.data?.["name"] === "OnSocket")
    expect(lines.map((line) => line.traceId)).toEqual([traceId, traceId])
    expect(new Set(lines.map((line) => line.requestId)).size).toBe(2)
  })
})

describe("a stage that dies of a bug", () => {
  it("has one line, with the incident that the client is told", async () => {
    const log = captureLogLines()
    const { definition } = scriptedKind((name, stage) => stage !== "FETCH_RESULT" ? undefined : name === "bug"
      ? () => Effect.die(new Error("a bug"))
      : () => Effect.fail(new ProviderError({ message: "The provider refused.", provider: "sounds", reason: "REJECTED" })))
    const told = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const engine = yield* startEngine({
        database: testDatabase("pglite"),
        kinds: [definition],
        logging: logging({ format: "json", level: "Info" })
      })
      const bug = yield* engine.submit("bug")
      yield* engine.untilStatus(bug, "FAILED")
      const refused = yield* engine.submit("refused")
      yield* engine.untilStatus(refused, "FAILED")
      const failure = (yield* engine.events(bug)).at(-1)?.data.failure as { incidentId?: string } | undefined
      return { bug, refused, incidentId: failure?.incidentId }
    }))).finally(log.restore)
    const ofBug = log.lines.filter((line) => line.jobId === told.bug)
    expect(ofBug).toHaveLength(1)
    expect(ofBug[0]).toMatchObject({ level: "error", stage: "FETCH_RESULT", kind: "GENERATE", incidentId: told.incidentId, error: { message: "a bug" } })
    expect(log.lines.filter((line) => line.jobId === told.refused)).toMatchObject([{ level: "warn", stage: "FETCH_RESULT", error: { code: "PROVIDER_FAILED" } }])
  }, 60_000)
})
