import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startApp, watch } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { type CollectedSpan, type Collector, startCollector } from "../../support/collector.ts"
import { freshPostgres } from "../../support/database.ts"
import { captureLogLines } from "../../support/logLines.ts"

const [internal, server, consumer] = [1, 2, 5]
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const callerSpan = "00f067aa0ba902b7"

let importDir: string
beforeAll(async () => {
  importDir = await mkdtemp(join(tmpdir(), "playhead-telemetry-"))
  await copyFile(songA, join(importDir, "song.ogg"))
  await writeFile(join(importDir, "broken.ogg"), (await readFile(songA)).subarray(0, 3_000))
})
afterAll(() => rm(importDir, { recursive: true, force: true }))

const submit = async (url: string, file: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query: "mutation Bring($file: String!) { trackImport(input: { source: { file: $file } }) { ... on TrackImportSuccess { job { id } } } }", variables: { file } })
  })
  return (await response.json() as { data: { trackImport: { job: { id: string } } } }).data.trackImport.job.id
}

describe("a request to one node and its job on another, seen by the collector", () => {
  let collector: Collector
  const named = (name: string): ReadonlyArray<CollectedSpan> => collector.spans.filter((span) => span.name === name)

  beforeAll(async () => {
    collector = await startCollector()
    const scope = Scope.makeUnsafe()
    const shared = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    const settings = { PLAYHEAD_IMPORT_DIR: importDir, OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=s3cret%21", OTEL_SERVICE_NAME: "studio" }
    const front = await startApp("postgres", { ...settings, PLAYHEAD_ROLES: "api" }, shared)
    const back = await startApp("postgres", settings, shared)
    const good = await submit(front.url, "song.ogg", { traceparent: `00-${traceId}-${callerSpan}-01`, "x-request-id": "first" })
    expect((await watch(front, good)).at(-1)?.__typename).toBe("JobSucceededEvent")
    const bad = await submit(front.url, "broken.ogg", { traceparent: `00-${"a".repeat(32)}-${callerSpan}-01` })
    expect((await watch(front, bad)).at(-1)?.__typename).toBe("JobFailedEvent")
    const unfollowed = await submit(front.url, "broken.ogg", { traceparent: `00-${"b".repeat(32)}-${callerSpan}-00` })
    await watch(front, unfollowed)
    await fetch(`${front.url}/graphql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: `query ${"N".repeat(400)} { health { status } }` }) }).then((response) => response.text())
    // What is left is sent at the end.
    await front.stop()
    await back.stop()
  }, 120_000)
  afterAll(() => collector.close())

  it("has a span for the operation by the conventions for GraphQL servers, within the client's trace", () => {
    const operation = named("mutation").find((span) => span.traceId === traceId)
    expect(operation).toMatchObject({
      kind: server,
      parentSpanId: callerSpan,
      attributes: { "graphql.operation.type": "mutation", "graphql.operation.name": "Bring", "playhead.graphql.field": "trackImport", "playhead.request.id": "first" },
      resource: { "service.name": "studio", "service.version": expect.any(String), "service.instance.id": expect.any(String) },
      status: { code: 1 }
    })
    expect(collector.spans.some((span) => span.traceId === traceId && span.parentSpanId === operation?.spanId)).toBe(true)
    // What the client called it is never the span's name, and has an end.
    expect(named("query")[0]?.attributes["graphql.operation.name"]).toHaveLength(120)
  })

  it("has a trace for the job's run on the other node, which links to the request's", () => {
    const request = named("mutation").find((span) => span.traceId === traceId)
    const [run, ...others] = named("Job IMPORT").filter(({ links }) => links.some((link) => link.traceId === traceId))
    expect(others).toEqual([])
    expect(run).toMatchObject({ kind: consumer, attributes: { "playhead.job.kind": "IMPORT", "playhead.job.attempt": 1, "playhead.request.id": "first", "playhead.job.id": expect.any(String), "playhead.track.id": expect.any(String) } })
    expect(run?.parentSpanId).toBeUndefined()
    expect(run?.traceId).not.toBe(traceId)
    expect(run?.resource["service.instance.id"]).not.toBe(request?.resource["service.instance.id"])
    const linked = collector.spans.find((span) => span.spanId === run?.links[0]?.spanId)
    expect(linked?.traceId).toBe(traceId)
    const stages = collector.spans.filter((span) => span.traceId === run?.traceId && span.name.startsWith("Stage "))
    expect(stages.map((span) => span.name)).toEqual(["VALIDATE", "DOWNLOAD", "PROBE", "METADATA", "STORE", "ANALYZE", "FINGERPRINT", "FINALIZE"].map((name) => `Stage ${name}`))
    for (const stage of stages) {
      expect(stage).toMatchObject({ kind: internal, parentSpanId: run?.spanId, status: { code: 1 } })
      expect(BigInt(stage.endTimeUnixNano)).toBeGreaterThan(BigInt(stage.startTimeUnixNano))
    }
    // Work below a stage is found under it.
    expect(collector.spans.filter((span) => span.name === "FFmpeg.run").every((span) => span.parentSpanId !== undefined)).toBe(true)
  })

  it("marks the stage that failed, with the reason", () => {
    const run = named("Job IMPORT").find(({ links }) => links.some((link) => link.traceId === "a".repeat(32)))
    const failed = collector.spans.filter((span) => span.traceId === run?.traceId && span.status.code === 2 && span.name.startsWith("Stage "))
    expect(failed).toHaveLength(1)
    expect(failed[0]?.events[0]?.name).toBe("exception")
  })

  it("has nothing of what its client did not want followed, nor of what a node does by itself", () => {
    expect(collector.spans.filter((span) => span.traceId === "b".repeat(32))).toEqual([])
    expect(named("Job IMPORT")).toHaveLength(2)
    const roots = new Set(collector.spans.filter((span) => span.parentSpanId === undefined).map((span) => span.name))
    expect([...roots].toSorted()).toEqual(["Job IMPORT", "query", "subscription"])
  })

  it("has the metrics, those too that have to be asked for", () => {
    for (const name of ["playhead_graphql_operations_total", "playhead_job_stage_duration_seconds", "playhead_jobs", "playhead_disk_free_bytes", "playhead_jobs_finished_total"]) {
      expect([...collector.metrics.keys()]).toContain(name)
    }
  })

  it("is told who sends", () => {
    expect(collector.headers.every((headers) => headers["x-api-key"] === "s3cret!")).toBe(true)
  })
})

describe.each([
  ["is not there", undefined],
  ["never answers", () => {}],
  ["refuses everything", (_: unknown, response: { writeHead: (status: number) => { end: () => void } }) => response.writeHead(500).end()]
] as const)("a collector that %s", (_name, misbehave) => {
  it("costs nothing but one line in the log", async () => {
    const collector = await startCollector(misbehave as Parameters<typeof startCollector>[0])
    if (misbehave === undefined) await collector.close()
    const log = captureLogLines()
    try {
      const app = await startApp("pglite", { PLAYHEAD_IMPORT_DIR: importDir, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: "warn" })
      expect((await watch(app, await submit(app.url, "song.ogg"))).at(-1)?.__typename).toBe("JobSucceededEvent")
      for (let n = 0; n < 300; n++) await app.query("{ health { version } }")
      const told = () => log.lines.filter(({ message }) => message.includes("collector"))
      await expect.poll(() => told().length, { timeout: 40_000, interval: 200 }).toBeGreaterThan(0)
      await app.query("{ health { version } }")
      const begun = performance.now()
      await app.stop()
      expect(performance.now() - begun).toBeLessThan(10_000)
      expect(told()).toMatchObject([{ level: "warn", message: expect.stringContaining("are dropped until it does") }])
    } finally {
      log.restore()
      if (misbehave !== undefined) await collector.close()
    }
  }, 90_000)
})
