import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { importToEnd, startApp, submitImport } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { startSourceServer, status } from "../../support/sourceServer.ts"
import { alerts, dashboardExpressions } from "../../support/deployed.ts"
import { parseExposition } from "../../support/exposition.ts"

/** The names of metrics in an expression, and the values that it wants labels to have. */
const metricsIn = (expression: string): ReadonlyArray<string> => expression.match(/\b(?:playhead|nodejs|process)_[a-z0-9_]+\b/g) ?? []
const labelsIn = (expression: string) =>
  [...expression.matchAll(/([a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, metric = "", labels = ""]) =>
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => ({ metric, label, value })))

/** The labels that an expression sums up by. */
const groupedBy = (expression: string) => [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(",").map((label) => label.trim()))

/** Added by Prometheus itself. */
const added = new Set(["job", "instance"])

describe("what deploy/ watches", () => {
  let rules: Awaited<ReturnType<typeof alerts>>
  let expressions: ReadonlyArray<string>
  let runbook: string
  const shown = new Map<string, ReadonlyArray<Readonly<Record<string, string>>>>()

  beforeAll(async () => {
    rules = await alerts()
    expressions = [...rules.map(({ expression }) => expression), ...await dashboardExpressions()]
    runbook = await readFile("docs/runbook.md", "utf8")
    const importDir = await mkdtemp(join(tmpdir(), "playhead-deploy-"))
    await copyFile(songA, join(importDir, "song.ogg"))
    await writeFile(join(importDir, "broken.ogg"), (await readFile(songA)).subarray(0, 3_000))
    const catalogue = await startSourceServer({ "/search": status(503) })
    const app = await startApp("pglite", {
      PLAYHEAD_IMPORT_DIR: importDir, LOG_LEVEL: "none",
      PLAYHEAD_ALLOW_PRIVATE_SOURCES: catalogue.host, ITUNES_BASE_URL: catalogue.url("/"), PROVIDER_BUDGETS: "itunes.requests=1000/3600"
    })
    try {
      await importToEnd(app, { source: { file: "song.ogg" }, artist: "Björk", title: "Jóga" })
      await importToEnd(app, { source: { file: "broken.ogg" } })
      await submitImport(app, { source: { file: "missing.ogg" } })
      await app.query("{ health { status } }")
      for (const { name, series } of parseExposition(await (await fetch(`${app.url}/metrics`)).text()).values()) {
        for (const each of series) shown.set(each.name, [...shown.get(each.name) ?? [], each.labels])
        if (!shown.has(name)) shown.set(name, [])
      }
    } finally {
      await app.stop()
      await catalogue.close()
      await rm(importDir, { recursive: true, force: true })
    }
  }, 120_000)

  it("are metrics that Playhead shows", () => {
    const wanted = [...new Set(expressions.flatMap(metricsIn))]
    expect(wanted.length).toBeGreaterThan(35)
    expect(wanted.filter((name) => !shown.has(name))).toEqual([])
  })

  it("asks for labels that the metrics have, by values that they can take", () => {
    const possible = new Map<string, ReadonlySet<string>>([
      ["outcome", new Set(["ok", "refused", "failed", "cancelled", "succeeded", "retried", "interrupted"])],
      ["status", new Set(["QUEUED", "RUNNING", "WAITING", "CANCELLING", "SUCCEEDED", "FAILED", "CANCELLED"])],
      ["type", new Set(["query", "mutation", "subscription", "unknown"])],
      ["state", new Set(["OPEN", "HALF_OPEN", "CLOSED"])]
    ])
    const asked = expressions.flatMap(labelsIn).filter(({ label }) => !added.has(label))
    expect(asked.length).toBeGreaterThan(5)
    for (const { label, metric, value } of asked) {
      expect(shown.get(metric)?.some((labels) => label in labels)).toBe(true)
      expect(possible.get(label)).toContain(value)
    }
  })

  it("sums up by labels that the metrics have", () => {
    for (const expression of expressions) {
      const labels = new Set(metricsIn(expression).flatMap((name) => (shown.get(name) ?? []).flatMap(Object.keys)))
      expect({ expression, unknown: groupedBy(expression).filter((label) => !labels.has(label) && !added.has(label)) }).toEqual({ expression, unknown: [] })
    }
  })

  it("has a section of the runbook for each alert, and none for others", () => {
    expect(rules.length).toBeGreaterThan(15)
    for (const { expression, name, runbook: link, severity } of rules) {
      expect(expression).not.toBe("")
      expect(["page", "ticket"]).toContain(severity)
      expect(link).toBe(`docs/runbook.md#${name.toLowerCase()}`)
    }
    const sections = [...runbook.matchAll(/^## (\w+)\n(.+)/gm)].map(([, name]) => name)
    expect(sections).toEqual(rules.map(({ name }) => name))
  })
})
