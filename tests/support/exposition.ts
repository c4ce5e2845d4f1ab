/** Reads the text format of Prometheus as strictly as its specification has it (version 0.0.4), and checks it with promtool where that is. */
import { execFile, execFileSync } from "node:child_process"

export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly series: ReadonlyArray<Series>
}

const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"])
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y

const fail = (line: string, why: string): never => {
  throw new Error(`${why}: ${line}`)
}

const readLabels = (text: string, line: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const [, name = "", value = ""] = label.exec(text) ?? fail(line, "labels that cannot be read")
    if (name in labels) fail(line, `the label ${name} twice`)
    labels[name] = value.replaceAll("\\n", "\n").replaceAll('\\"', '"').replaceAll("\\\\", "\\")
  }
  return labels
}

const readValue = (text: string, line: string): number => {
  if (text === "+Inf") return Number.POSITIVE_INFINITY
  if (text === "-Inf") return Number.NEGATIVE_INFINITY
  if (!/^(NaN|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)$/i.test(text)) fail(line, "no number")
  return Number(text)
}

const belongsTo = (name: string, { name: family, type }: Family): boolean =>
  type === "histogram" ? [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name) : name === family

const checkHistogram = ({ name, series }: Family): void => {
  const groups = Map.groupBy(series, ({ labels }) => JSON.stringify(Object.entries(labels).filter(([label]) => label !== "le").toSorted()))
  for (const [key, group] of groups) {
    const buckets = group.filter((each) => each.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => readValue(labels["le"] ?? "", key))
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) fail(key, `${name} has no bucket for everything`)
    if (bounds.some((bound, index) => index > 0 && bound <= (bounds[index - 1] ?? 0))) fail(key, `${name} has buckets out of order`)
    if (buckets.some(({ value }, index) => index > 0 && value < (buckets[index - 1]?.value ?? 0))) fail(key, `${name} counts less in a wider bucket`)
    const of = (suffix: string) => group.filter((each) => each.name === `${name}_${suffix}`)
    if (of("sum").length !== 1 || of("count").length !== 1 || of("count")[0]?.value !== buckets.at(-1)?.value) fail(key, `${name} does not add up`)
  }
}

/** Fails at what a scrape would refuse, and at what its authors advise against: no help, a counter that is not called `_total`. */
export const parseExposition = (text: string): ReadonlyMap<string, Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, Family & { series: Array<Series> }>()
  const seen = new Set<string>()
  let current: (Family & { series: Array<Series> }) | undefined
  let help: { readonly name: string; readonly text: string } | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (comment !== null) {
      const [, word, name = "", rest = ""] = comment
      if (word === "HELP") help = { name, text: rest }
      else {
        if (families.has(name)) fail(line, "a family in two places")
        if (!types.has(rest)) fail(line, "an unknown type")
        if (help?.name !== name) fail(line, "no help")
        if ((rest === "counter") !== name.endsWith("_total")) fail(line, "counters, and nothing else, are called _total")
        current = { name, type: rest, help: help?.text ?? "", series: [] }
        families.set(name, current)
      }
      continue
    }
    const [, name = "", labels = "", value = ""] = sample.exec(line) ?? fail(line, "a line that is nothing")
    if (current === undefined || !belongsTo(name, current)) fail(line, "a sample outside its family")
    const series = { name, labels: readLabels(labels, line), value: readValue(value, line) }
    const key = JSON.stringify([name, Object.entries(series.labels).toSorted()])
    if (seen.has(key)) fail(line, "a series twice")
    seen.add(key)
    current?.series.push(series)
  }
  for (const family of families.values()) if (family.type === "histogram") checkHistogram(family)
  return families
}

const findPromtool = (): string | undefined => {
  const candidates = [process.env["PROMTOOL"], "promtool"]
  return candidates.find((path) => {
    try {
      if (path === undefined) return false
      execFileSync(path, ["--version"], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })
}

/** The path of promtool: `PROMTOOL`, else the one in `PATH` (Debian's package prometheus has it); undefined where there is none. */
export const promtool = findPromtool()

/** What promtool prints; rejects when it finds fault. */
export const runPromtool = (args: ReadonlyArray<string>, input = ""): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(promtool ?? "promtool", [...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr)
      else reject(new Error(`${stdout}${stderr}`))
    })
    child.stdin?.end(input)
  })
