import { copyFile, mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { type TestTracker, testTracker } from "../../support/errorTracker.ts"
import { captureLogLines } from "../../support/logLines.ts"

describe("what nobody expected", () => {
  const scope = Scope.makeUnsafe()
  let importDir: string
  let tracker: TestTracker
  let app: App
  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-unexpected-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    tracker = await Effect.runPromise(Effect.provideService(testTracker, Scope.Scope, scope))
    app = await startApp("pglite", { PLAYHEAD_IMPORT_DIR: importDir, SENTRY_DSN: tracker.dsn })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(importDir, { recursive: true, force: true })
  })

  /** Asks while a table is away, under an id of its own. */
  const askWithout = async (table: string, requestId: string, path: string, init: Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> } = {}) => {
    const logged = captureLogLines()
    await app.sql(`alter table ${table} rename to ${table}_away`)
    try {
      const response = await fetch(`${app.url}${path}`, { ...init, headers: { ...init.headers, "x-request-id": requestId } })
      return { status: response.status, text: await response.text(), lines: logged.lines.filter((line) => line.requestId === requestId) }
    } finally {
      await app.sql(`alter table ${table}_away rename to ${table}`)
      logged.restore()
    }
  }
  const reportsOf = (requestId: string) => tracker.events.filter(({ tags }) => tags["requestId"] === requestId)
  /** That one request came to one line and one report, under an id that its client was told, and to nothing more. */
  const expectTold = async ({ lines, text }: Awaited<ReturnType<typeof askWithout>>, requestId: string) => {
    await expect.poll(() => reportsOf(requestId).length, { timeout: 10_000 }).toBe(1)
    const incidentId = reportsOf(requestId)[0]?.tags["incidentId"]
    expect(incidentId).toMatch(/^[0-9a-f-]{36}$/)
    expect(text).toContain(incidentId)
    expect(text).not.toMatch(/relation|upload_away|select/)
    expect(lines.filter(({ level }) => level === "error")).toMatchObject([{ incidentId }])
  }

  it.each([
    ["begins", "POST", "/uploads", { "upload-length": "10" }],
    ["goes on", "PATCH", `/uploads/${crypto.randomUUID()}`, { "upload-offset": "0", "content-type": "application/offset+octet-stream" }]
  ])("as a resumable upload %s is told to the error tracker, once", async (_when, method, path, headers) => {
    const requestId = `tus-${method}`
    const answer = await askWithout("upload", requestId, path, { method, headers: { "tus-resumable": "1.0.0", ...headers } as Record<string, string>, ...(method === "PATCH" && { body: "0123456789" }) })
    expect(answer.status).toBe(500)
    await expectTold(answer, requestId)
  })

  it("of an upload through GraphQL is", async () => {
    const body = new FormData()
    body.set("operations", JSON.stringify({ query: "mutation ($file: File!) { trackUpload(input: { file: $file }) { __typename } }", variables: { file: null } }))
    body.set("map", JSON.stringify({ 0: ["variables.file"] }))
    body.set("0", new Blob([await readFile(songA)]), "song.ogg")
    const answer = await askWithout("track", "multipart", "/graphql", { method: "POST", headers: { "graphql-require-preflight": "1" }, body })
    await expectTold(answer, "multipart")
  })

  it("of a file of the library is", async () => {
    const answer = await askWithout("artifact", "media", `/media/${crypto.randomUUID()}`)
    expect(answer.status).toBe(500)
    await expectTold(answer, "media")
  })

  it("is counted by the error report", async () => {
    const { errorReport } = await app.query<{ errorReport: { unhandled: number } }>("{ errorReport { unhandled } }")
    expect(errorReport.unhandled).toBeGreaterThanOrEqual(4)
  })

  it("while a file is being sent is told, although it can be answered no more", async () => {
    const { answer } = await importToEnd(app, { source: { file: "song.ogg" } })
    const { track } = await app.query<{ track: { artifacts: ReadonlyArray<{ id: string }> } }>("query ($id: ID!) { track(id: $id) { artifacts(role: ORIGINAL) { id } } }", { id: answer.track?.id })
    const blobs = await readdir(join(app.dataDir, "blobs"), { recursive: true, withFileTypes: true })
    for (const blob of blobs.filter((entry) => entry.isFile())) await truncate(join(blob.parentPath, blob.name), 100)
    const logged = captureLogLines()
    const sent = await fetch(`${app.url}/media/${track.artifacts[0]?.id}`, { headers: { "x-request-id": "cut" } }).then((response) => response.arrayBuffer(), () => undefined).catch(() => undefined)
    expect(sent).toBeUndefined()
    await expect.poll(() => reportsOf("cut").length, { timeout: 10_000 }).toBe(1)
    expect(reportsOf("cut")[0]?.exception.values.at(-1)?.value).toContain("could not be sent whole")
    expect(logged.lines.filter(({ level, requestId }) => level === "error" && requestId === "cut")).toHaveLength(1)
    logged.restore()
  })
})
