import { execFileSync } from "node:child_process"
import { readFile } from "node:fs/promises"
import { cpus, loadavg } from "node:os"
import { bundledFFmpeg } from "../../support/audio.ts"

const sorted = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)

/** The value that so many percent of the others do not exceed. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number =>
  sorted(values)[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)] ?? Number.NaN

export const median = (values: ReadonlyArray<number>): number => percentile(values, 50)

/** `median (least – most)`. */
export const spread = (values: ReadonlyArray<number>, digits = 0): string =>
  [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits)).join(" | ").replace(/^(.*) \| (.*) \| (.*)$/, "$1 ($2 – $3)")

/** What a process has used so far, in milliseconds, without its children. The kernel counts in hundredths of a second. */
export const cpuMsOf = async (pid: number): Promise<number> => {
  const [, fields = ""] = /\) (.*)/u.exec(await readFile(`/proc/${pid}/stat`, "utf8")) ?? []
  const [user, system] = fields.split(" ").slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

/** What the figures were measured with, and what else the machine had to do. */
export const surroundings = (): string => {
  const ffmpeg = /^ffmpeg version (\S+)/.exec(execFileSync(bundledFFmpeg, ["-version"], { encoding: "utf8" }))?.[1]
  return `node ${process.version}, ffmpeg ${ffmpeg}, ${cpus().length} × ${cpus()[0]?.model}; load at the start ${loadavg().map((load) => load.toFixed(1)).join(" ")}`
}
