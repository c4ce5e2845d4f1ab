/** What Prometheus' own tool says of the metrics of a server that has done work, and of deploy/. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, watch } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { alerts, dashboardExpressions } from "../../support/deployed.ts"
import { parseExposition, promtool, runPromtool } from "../../support/exposition.ts"
import { startSourceServer, status } from "../../support/sourceServer.ts"
import { webhookReceiver } from "../../support/webhookReceiver.ts"

const root = join(import.meta.dirname, "../../..")
const prometheus = (file: string) => join(root, "deploy/prometheus", file)

const skipped = promtool === undefined ? " (skipped: there is no promtool in PATH; Debian's package prometheus has it)" : ""

describe.skipIf(promtool === undefined)(`promtool${skipped}`, { timeout: 120_000 }, () => {
  const scope = Scope.makeUnsafe()
  let directory: string
  let catalogue: Awaited<ReturnType<typeof startSourceServer>>
  let receiver: Effect.Success<typeof webhookReceiver>
  let app: App
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "playhead-promtool-"))
    await copyFile(songA, join(directory, "song.ogg"))
    await writeFile(join(directory, "broken.ogg"), (await readFile(songA)).subarray(0, 3_000))
    receiver = await Effect.runPromise(Effect.provideService(webhookReceiver, Scope.Scope, scope))
    catalogue = await startSourceServer({ "/search": status(503) })
    app = await startApp("pglite", {
      PLAYHEAD_IMPORT_DIR: directory, LOG_LEVEL: "none", PLAYHEAD_ALLOW_PRIVATE_SOURCES: `${catalogue.host},127.0.0.1:${receiver.port}`,
      ITUNES_BASE_URL: catalogue.url("/"), PROVIDER_BUDGETS: "itunes.requests=1000/3600"
    })
    await app.query("mutation ($url: URL!) { webhookCreate(url: $url, topics: [JOB_SUCCEEDED]) { __typename } }", { url: receiver.url })
    const { answer } = await importToEnd(app, { source: { file: "song.ogg" }, artist: "Björk", title: "Jóga" })
    const { trackEnhance } = await app.query<{ trackEnhance: { job: { id: string } } }>(
      "mutation ($id: ID!) { trackEnhance(id: $id, options: { quality: BASIC }) { ... on JobStartSuccess { job { id } } } }", { id: answer.track?.id })
    expect((await watch(app, trackEnhance.job.id)).at(-1)?.__typename).toBe("JobSucceededEvent")
    expect((await importToEnd(app, { source: { file: "broken.ogg" } })).last?.__typename).toBe("JobFailedEvent")
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await catalogue.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(directory, { recursive: true, force: true })
  })

  it("has no complaint about /metrics of a server that has imported, enhanced, failed, told of it and been watched", async () => {
    await expect.poll(() => receiver.received.length, { timeout: 30_000 }).toBe(2)
    const text = await (await fetch(`${app.url}/metrics`)).text()
    const families = parseExposition(text)
    for (const name of ["playhead_jobs_finished_total", "playhead_provider_calls_total", "playhead_webhook_attempts_total", "playhead_graphql_operations_total"]) {
      expect(families.get(name)?.series.some(({ value }) => value > 0)).toBe(true)
    }
    expect(families.get("playhead_graphql_operations_total")?.series.some(({ labels }) => labels["type"] === "subscription")).toBe(true)
    expect(await runPromtool(["check", "metrics"], text)).toBe("")
  })

  it("finds rules and configuration good", async () => {
    const { length } = await alerts()
    expect(await runPromtool(["check", "rules", "--lint-fatal", prometheus("alerts.yml")])).toContain(`SUCCESS: ${length} rules found`)
    expect(await runPromtool(["check", "config", "--lint-fatal", prometheus("prometheus.yml")])).toContain("SUCCESS")
  })

  it("sees every alert with figures that it tells of, and with some that it does not", async () => {
    const scenarios = await readFile(prometheus("alerts.test.yml"), "utf8")
    const named = (pattern: RegExp) => [...new Set([...scenarios.matchAll(pattern)].map(([, name]) => name))].toSorted()
    const names = (await alerts()).map(({ name }) => name).toSorted()
    expect(named(/alertname: (\w+)\n +exp_alerts:\n +- exp_labels/g)).toEqual(names)
    expect(named(/alertname: (\w+), exp_alerts: \[\]/g)).toEqual(names)
    expect(await runPromtool(["test", "rules", prometheus("alerts.test.yml")])).toContain("SUCCESS")
  })

  it("can read every expression of the dashboard", async () => {
    const expressions = await dashboardExpressions()
    expect(expressions.length).toBeGreaterThan(40)
    // This version has no command for an expression alone, so each is a recording rule. What stands in it for a time is Grafana's.
    const rules = expressions.map((expr, index) => ({ record: `dashboard:${index}`, expr: expr.replaceAll("$__rate_interval", "5m") }))
    const file = join(directory, "dashboard.yml")
    await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }))
    expect(await runPromtool(["check", "rules", file])).toContain(`SUCCESS: ${rules.length} rules found`)
  })
})
