import { copyFile, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { WebSocket } from "ws"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { adminKey, bearer } from "../../support/access.ts"
import { type App, importToEnd, startApp } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { freshPostgres } from "../../support/database.ts"
import { parseExposition } from "../../support/exposition.ts"

describe("a process that works on jobs and answers no clients", () => {
  const scope = Scope.makeUnsafe()
  let importDir: string
  let front: App
  let worker: App
  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-status-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    const database = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    front = await startApp("postgres", { PLAYHEAD_IMPORT_DIR: importDir, PLAYHEAD_ROLES: "api" }, database)
    worker = await startApp("postgres", { PLAYHEAD_IMPORT_DIR: importDir, PLAYHEAD_ROLES: "worker", PLAYHEAD_DATA_DIR: front.dataDir }, database)
  }, 120_000)
  afterAll(async () => {
    await worker.stop()
    await front.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(importDir, { recursive: true, force: true })
  })

  it("says that it lives, and whether it is fit to work", async () => {
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${worker.url}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ status: "HEALTHY", checks: expect.arrayContaining([expect.objectContaining({ name: "ffmpeg", status: "HEALTHY" })]) })
    expect(ready.headers.get("x-request-id")).not.toBeNull()
  })

  it("shows the figures of its own work", async () => {
    expect((await importToEnd(front, { source: { file: "song.ogg" } })).last?.__typename).toBe("JobSucceededEvent")
    const figures = async ({ url }: App) => parseExposition(await (await fetch(`${url}/metrics`)).text())
    await expect.poll(async () => (await figures(worker)).get("playhead_jobs_finished_total")?.series[0]?.value, { timeout: 10_000 }).toBe(1)
    const shown = await figures(worker)
    expect(shown.get("playhead_job_stage_duration_seconds")).toBeDefined()
    expect(shown.get("playhead_worker_slots")).toBeDefined()
    expect(shown.get("playhead_graphql_operations_total")).toBeUndefined()
    expect((await figures(front)).get("playhead_job_stage_attempts_total")).toBeUndefined()
  })

  it.each([
    ["GET", "/"], ["GET", "/graphql"], ["POST", "/graphql"], ["POST", "/uploads"], ["GET", "/media/x"], ["GET", "/constructor"], ["GET", "//healthz"]
  ])("has nothing else: %s %s", async (method, path) => {
    const response = await fetch(`${worker.url}${path}`, { method, redirect: "manual" })
    expect(response.status).toBe(404)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toMatchObject({ status: 404, title: expect.stringContaining("/healthz, /readyz and /metrics") })
  })

  it("opens no WebSocket", async () => {
    const socket = new WebSocket(`${worker.url.replace("http", "ws")}/graphql`, "graphql-transport-ws")
    const status = await new Promise((resolve, reject) => {
      socket.once("unexpected-response", (_request, response) => resolve(response.statusCode))
      socket.once("open", () => reject(new Error("it opened")))
      socket.once("error", reject)
    })
    expect(status).toBe(404)
  })

  it("answers no page of another origin", async () => {
    expect((await fetch(`${worker.url}/metrics`, { headers: { origin: "https://evil.example" } })).status).toBe(403)
  })
})

describe("a process for jobs alone where keys are required", () => {
  it("shows its figures to who may read, and to everybody whether it is fit", async () => {
    const worker = await startApp("pglite", { PLAYHEAD_ROLES: "worker", PLAYHEAD_ADMIN_KEY: adminKey })
    try {
      const get = (path: string, headers: Readonly<Record<string, string>> = {}) => fetch(`${worker.url}${path}`, { headers })
      expect((await get("/metrics")).status).toBe(401)
      expect((await get("/metrics", bearer("nobody"))).status).toBe(401)
      expect(await (await get("/metrics", bearer(adminKey))).text()).toContain("playhead_worker_slots")
      expect(await (await get("/readyz")).json()).toEqual({ status: "HEALTHY" })
      expect(await (await get("/readyz", bearer(adminKey))).json()).toHaveProperty("checks")
      expect((await get("/healthz")).status).toBe(200)
    } finally {
      await worker.stop()
    }
  })
})
