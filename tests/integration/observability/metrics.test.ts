import { copyFile, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { createClient } from "graphql-ws"
import { WebSocket } from "ws"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitImport } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { engines } from "../../support/database.ts"
import { startSourceServer, status } from "../../support/sourceServer.ts"
import { answerStatus, webhookReceiver } from "../../support/webhookReceiver.ts"
import { type Family, parseExposition } from "../../support/exposition.ts"

const patience = { timeout: 30_000 }

type Labels = Readonly<Record<string, string>>
const valueIn = (families: ReadonlyMap<string, Family>, name: string, labels: Labels = {}): number | undefined => {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""))
  return family?.series.find((series) => series.name === name && Object.entries(labels).every(([label, value]) => series.labels[label] === value))?.value
}

describe.each(engines)("/metrics on %s", (engine) => {
  let app: App
  let importDir: string

  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-metrics-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    app = await startApp(engine, { PLAYHEAD_IMPORT_DIR: importDir, JOB_CONCURRENCY: "3" })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await rm(importDir, { recursive: true, force: true })
  })

  const scrape = async (): Promise<string> => {
    const response = await fetch(`${app.url}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
    return response.text()
  }
  const valueOf = async (name: string, labels?: Labels): Promise<number | undefined> => valueIn(parseExposition(await scrape()), name, labels)
  const ask = (query: string, operationName?: string) =>
    fetch(`${app.url}/graphql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query, operationName }) }).then((response) => response.text())

  it("counts an import: its stages, how long they and it took, and how it ended", async () => {
    const { last } = await importToEnd(app, { source: { file: "song.ogg" } })
    expect(last?.__typename).toBe("JobSucceededEvent")
    for (const stage of ["VALIDATE", "DOWNLOAD", "PROBE", "METADATA", "STORE", "ANALYZE", "FINGERPRINT", "FINALIZE"]) {
      await expect.poll(() => valueOf("playhead_job_stage_attempts_total", { kind: "IMPORT", stage, outcome: "succeeded" }), patience).toBe(1)
      expect(await valueOf("playhead_job_stage_duration_seconds_count", { kind: "IMPORT", stage })).toBe(1)
    }
    expect(await valueOf("playhead_jobs_submitted_total", { kind: "IMPORT" })).toBe(1)
    expect(await valueOf("playhead_jobs_finished_total", { kind: "IMPORT", status: "SUCCEEDED" })).toBe(1)
    expect(await valueOf("playhead_job_wait_seconds_count", { kind: "IMPORT" })).toBe(1)
    expect(await valueOf("playhead_job_duration_seconds_sum", { kind: "IMPORT" })).toBeGreaterThan(0)
    expect(await valueOf("playhead_graphql_operations_total", { type: "mutation", field: "trackImport", outcome: "ok" })).toBe(1)
    expect(await valueOf("playhead_graphql_operation_duration_seconds_count", { type: "mutation", field: "trackImport" })).toBe(1)
  })

  it("is as Prometheus reads it", async () => {
    expect(parseExposition(await scrape()).size).toBeGreaterThan(30)
  })

  it("shows the state of what the node stands on", async () => {
    for (const name of [
      "playhead_worker_slots", "playhead_worker_jobs_running", "playhead_ffmpeg_slots", "playhead_ffmpeg_processes", "playhead_ffmpeg_requests_waiting",
      "playhead_database_requests_waiting", "playhead_disk_free_bytes", "playhead_disk_size_bytes", "nodejs_eventloop_lag_p99_seconds",
      "nodejs_eventloop_utilization_ratio", "process_cpu_seconds_total", "process_resident_memory_bytes"
    ]) expect(await valueOf(name)).toBeGreaterThanOrEqual(0)
    expect(await valueOf("playhead_worker_slots")).toBe(3)
    expect(await valueOf("playhead_database_connections_limit")).toBeGreaterThan(0)
    expect(await valueOf("playhead_metric_source_up", { source: "jobs" })).toBe(1)
    expect(await valueOf("playhead_build_info", { node: process.version })).toBe(1)
    expect(await valueOf("process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1_000)
  })

  it("shows how many jobs wait, and for how long the oldest has", async () => {
    expect(await valueOf("playhead_jobs", { kind: "IMPORT", status: "QUEUED" })).toBe(0)
    expect(await valueOf("playhead_jobs_oldest_queued_age_seconds", { kind: "IMPORT" })).toBe(0)
    await app.sql(`insert into job (id, kind, status, priority, attempt, options, degraded, progress, last_sequence, created_at, updated_at)
      values ('00000000-0000-7000-8000-000000000001', 'IMPORT', 'QUEUED', 1, 0, '{}', false, 0, 1, now() - interval '90 seconds', now() + interval '1 hour') returning id`)
    await expect.poll(() => valueOf("playhead_jobs", { kind: "IMPORT", status: "QUEUED" }), patience).toBe(1)
    const age = await valueOf("playhead_jobs_oldest_queued_age_seconds", { kind: "IMPORT" })
    expect(age).toBeGreaterThan(89)
    expect(age).toBeLessThan(150)
    await app.sql("delete from job where id = '00000000-0000-7000-8000-000000000001' returning id")
    await expect.poll(() => valueOf("playhead_jobs", { kind: "IMPORT", status: "QUEUED" }), patience).toBe(0)
  })

  it("counts who watches, and forgets who has gone", async () => {
    const client = createClient({ url: `${app.url.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
    const watching = client.iterate({ query: "subscription { jobChanged { id } }" })
    const first = watching.next()
    await expect.poll(() => valueOf("playhead_graphql_subscriptions"), patience).toBe(1)
    expect(await valueOf("playhead_websocket_connections")).toBe(1)
    await watching.return?.(undefined)
    await first
    await client.dispose()
    await expect.poll(() => valueOf("playhead_graphql_subscriptions"), patience).toBe(0)
    await expect.poll(() => valueOf("playhead_websocket_connections"), patience).toBe(0)
  })

  it("makes no series of what clients send: names of operations, aliases, unknown fields, documents that are none", async () => {
    const before = (await scrape()).split("\n").length
    for (let n = 0; n < 40; n += 1) {
      await ask(`query Name${n} { a${n}: health { status } }`, `Name${n}`)
      await ask(`query Bad${n} { nothing${n} }`)
      await ask(`{{{ ${n}`)
      await ask(`query One${n} { health { status } } query Two${n} { health { status } }`, `Neither${n}`)
      await ask(`query Several${n} { health { status } tracks(first: 1) { edges { cursor } } }`)
    }
    const text = await scrape()
    expect(text).not.toMatch(/Name\d|Bad\d|nothing\d|One\d|Neither|Several\d/)
    // health, the invalid ones and several: an outcome each, and two histograms.
    expect(text.split("\n").length - before).toBeLessThan(60)
    expect(await valueOf("playhead_graphql_operations_total", { type: "query", field: "health", outcome: "ok" })).toBeGreaterThanOrEqual(40)
    expect(await valueOf("playhead_graphql_operations_total", { field: "(invalid)", outcome: "refused" })).toBeGreaterThanOrEqual(80)
    expect(await valueOf("playhead_graphql_operations_total", { field: "(several)", outcome: "ok" })).toBe(40)
  })

  it("tells what clients were told of failures by code", async () => {
    const code = (await submitImport(app, { source: { file: "missing.ogg" } })).code ?? ""
    expect(await valueOf("playhead_graphql_failures_total", { code })).toBe(1)
    expect(await valueOf("playhead_graphql_operations_total", { type: "mutation", field: "trackImport", outcome: "ok" })).toBe(2)
  })
})

describe("the metrics of two installations in one process", () => {
  it("are apart", async () => {
    const [one, other] = await Promise.all([startApp("pglite", { JOB_CONCURRENCY: "1" }), startApp("pglite", { JOB_CONCURRENCY: "2" })])
    try {
      await one.query("{ health { status } }")
      const [first, second] = await Promise.all([one, other].map(async ({ url }) => parseExposition(await (await fetch(`${url}/metrics`)).text())))
      expect(first?.get("playhead_worker_slots")?.series[0]?.value).toBe(1)
      expect(second?.get("playhead_worker_slots")?.series[0]?.value).toBe(2)
      expect(first?.get("playhead_graphql_operations_total")).toBeDefined()
      expect(second?.get("playhead_graphql_operations_total")).toBeUndefined()
    } finally {
      await one.stop()
      await other.stop()
    }
  }, 60_000)
})

describe("the metrics of a server that calls others", () => {
  const scope = Scope.makeUnsafe()
  let importDir: string
  let catalogue: Awaited<ReturnType<typeof startSourceServer>>
  let receiver: Effect.Success<typeof webhookReceiver>
  let app: App
  let answers = 0
  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-metrics-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    receiver = await Effect.runPromise(Effect.provideService(webhookReceiver, Scope.Scope, scope))
    catalogue = await startSourceServer({
      // Fails, recovers, and fails for good.
      "/search": (request, response) => (answers++ === 1 ? response.end(`{"resultCount":0,"results":[]}`) : status(503)(request, response))
    })
    app = await startApp("pglite", {
      PLAYHEAD_IMPORT_DIR: importDir, LOG_LEVEL: "none", PLAYHEAD_ALLOW_PRIVATE_SOURCES: `${catalogue.host},127.0.0.1:${receiver.port}`,
      ITUNES_BASE_URL: catalogue.url("/"), PROVIDER_BUDGETS: "itunes.requests=1000/3600,itunes.tokens=7/60"
    })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await catalogue.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(importDir, { recursive: true, force: true })
  })

  const valueOf = async (name: string, labels?: Labels) => valueIn(parseExposition(await (await fetch(`${app.url}/metrics`)).text()), name, labels)
  const eventually = (name: string, labels?: Labels) => expect.poll(() => valueOf(name, labels), patience)
  const importSong = () => importToEnd(app, { source: { file: "song.ogg" }, artist: "Björk", title: "Jóga" })

  it("show each try of a call, what it used of its budget, and its circuit", async () => {
    await importSong()
    const provider = "itunes"
    expect(await valueOf("playhead_provider_calls_total", { provider, outcome: "retried" })).toBe(1)
    expect(await valueOf("playhead_provider_calls_total", { provider, outcome: "succeeded" })).toBe(1)
    expect(await valueOf("playhead_provider_call_duration_seconds_count", { provider })).toBe(2)
    expect(await valueOf("playhead_provider_budget_used", { provider, metric: "requests" })).toBe(1)
    expect(await valueOf("playhead_provider_budget_limit", { provider, metric: "requests" })).toBe(1000)
    expect(await valueOf("playhead_provider_budget_limit", { provider, metric: "tokens" })).toBe(7)
    expect(await valueOf("playhead_provider_circuit", { provider, state: "CLOSED" })).toBe(1)
    await Promise.all(Array.from({ length: 5 }, importSong))
    await eventually("playhead_provider_circuit", { provider, state: "OPEN" }).toBe(1)
    expect(await valueOf("playhead_provider_circuit", { provider, state: "CLOSED" })).toBe(0)
    await importSong()
    expect(await valueOf("playhead_provider_calls_total", { provider, outcome: "refused" })).toBe(1)
  }, 120_000)

  it("show webhooks: what came of them, and what is still to be delivered, for how long", async () => {
    const outcome = (name: string) => ["playhead_webhook_attempts_total", { outcome: name }] as const
    for (const name of ["delivered", "retried", "given_up", "gone"]) expect(await valueOf(...outcome(name))).toBe(0)
    await app.query("mutation ($url: URL!) { webhookCreate(url: $url, topics: [JOB_CANCELLED, JOB_FAILED, JOB_SUCCEEDED]) { __typename } }", { url: receiver.url })
    await importSong()
    await eventually(...outcome("delivered")).toBe(1)
    await eventually("playhead_webhook_deliveries_pending").toBe(0)
    expect(await valueOf("playhead_webhook_oldest_pending_age_seconds")).toBe(0)

    receiver.answering = answerStatus(503)
    await importSong()
    await eventually(...outcome("retried")).toBe(1)
    await eventually("playhead_webhook_deliveries_pending").toBe(1)
    await app.sql("update webhook_delivery set retry_until = now() + interval '14 hours' where next_attempt_at is not null returning id")
    await eventually("playhead_webhook_oldest_pending_age_seconds").toBeGreaterThanOrEqual(36_000)
    expect(await valueOf("playhead_webhook_oldest_pending_age_seconds")).toBeLessThan(36_600)

    await app.sql("update webhook_delivery set retry_until = now(), next_attempt_at = now() where next_attempt_at is not null returning id")
    await eventually(...outcome("given_up")).toBe(1)
    await eventually("playhead_webhook_deliveries_pending").toBe(0)
    expect(await valueOf("playhead_metric_source_up", { source: "webhooks" })).toBe(1)
  }, 120_000)
})
