import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp } from "../../support/app.ts"
import { engines } from "../../support/database.ts"

interface Report {
  readonly status: string
  readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly message: string | null }>
}

describe.each(engines)("health on %s", (engine) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(engine, { LOG_LEVEL: "none" })
  })
  afterAll(() => app.stop())

  it("looks at everything that Playhead stands on", async () => {
    const response = await fetch(`${app.url}/readyz`)
    expect(response.status).toBe(200)
    const report = await response.json() as Report
    expect(report.checks.map(({ name }) => name)).toEqual(["database", "migrations", "engine", "workers", "storage", "disk", "ffmpeg"])
    expect(report.checks.filter(({ name, status }) => name !== "disk" && status !== "HEALTHY")).toEqual([])
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200)
  })

  it("tells watchers at once how it stands, and again when a check changes, and turns clients away meanwhile", async () => {
    const reports: Array<Report> = []
    const watching = (async () => {
      for await (const report of app.subscribe<Report>("subscription { healthChanged { status checks { name status message } } }")) {
        reports.push(report)
        if (reports.length === 3) return
      }
    })()
    const migrations = () => reports.map(({ checks }) => checks.find(({ name }) => name === "migrations")?.status)
    const patience = { timeout: 20_000 }
    await expect.poll(migrations, patience).toEqual(["HEALTHY"])
    await app.sql("update migration set name = 'x' where name = '0006_job_origin' returning id")
    await expect.poll(migrations, patience).toEqual(["HEALTHY", "UNHEALTHY"])
    const refused = await fetch(`${app.url}/readyz`)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ status: "UNHEALTHY" })
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain('playhead_health_check_level{check="migrations"} 2')
    await app.sql("update migration set name = '0006_job_origin' where name = 'x' returning id")
    await expect.poll(migrations, patience).toEqual(["HEALTHY", "UNHEALTHY", "HEALTHY"])
    await watching
  }, 90_000)
})
