/** What stands in deploy/: the alerts, and the expressions of the dashboard. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"

const read = (path: string) => readFile(join(import.meta.dirname, "../../deploy", path), "utf8")

/** Each alert with its expression, as the file has them: a rule in one place, an expression on one line. */
export const alerts = async () =>
  (await read("prometheus/alerts.yml")).split(/^ {6}- alert: /m).slice(1).map((rule) => ({
    name: /^\w+/.exec(rule)?.[0] ?? "",
    expression: /^ {8}expr: (.+)$/m.exec(rule)?.[1] ?? "",
    severity: /severity: (\w+)/.exec(rule)?.[1],
    runbook: /runbook: (\S+)/.exec(rule)?.[1]
  }))

interface Dashboard {
  readonly panels: ReadonlyArray<{ readonly title: string; readonly targets?: ReadonlyArray<{ readonly expr: string }> }>
}

export const dashboardExpressions = async () =>
  (JSON.parse(await read("grafana/playhead.json")) as Dashboard).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
