/** The real server as a process of its own, as `npm start` starts it, for measurements. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** From the command to the line that says it is ready. */
  readonly startMs: number
  /** The most memory that it has had resident so far, in bytes. */
  readonly peakResidentBytes: () => Promise<number>
  /** What it has resident now, in bytes. */
  readonly residentBytes: () => Promise<number>
  /** As SIGTERM does it; the data directory stays. */
  readonly stop: () => Promise<void>
}

// A process that a signal ends runs nothing `on exit`, and would leave its servers behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

const statusOf = async ({ pid }: ChildProcess, field: "VmHWM" | "VmRSS"): Promise<number> =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

export const startServer = async (dataDir: string, environment: Readonly<Record<string, string | undefined>>): Promise<ServerProcess> => {
  const begun = performance.now()
  const child: ChildProcess = spawn(process.execPath, [main], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: "0", PLAYHEAD_DATA_DIR: dataDir, LOG_FORMAT: "json", LOG_LEVEL: "info", ...environment }
  })
  const endWithProcess = () => child.kill("SIGKILL")
  process.once("exit", endWithProcess)
  if (child.stdout === null) throw new Error("the server has no output")
  for await (const line of createInterface(child.stdout)) {
    const url = /GraphiQL is at (http:\S+)\/graphql/.exec(line)?.[1]
    if (url === undefined || child.pid === undefined) continue
    const startMs = performance.now() - begun
    child.stdout.resume()
    return {
      url,
      pid: child.pid,
      startMs,
      peakResidentBytes: () => statusOf(child, "VmHWM"),
      residentBytes: () => statusOf(child, "VmRSS"),
      stop: async () => {
        process.off("exit", endWithProcess)
        child.kill("SIGTERM")
        await once(child, "exit")
      }
    }
  }
  throw new Error("the server ended before it was ready")
}

/** An empty data directory for as long as `use` takes. */
export const withDataDirectory = async <A>(use: (dataDir: string) => Promise<A>): Promise<A> => {
  const dataDir = await mkdtemp(join(tmpdir(), "playhead-bench-"))
  try {
    return await use(dataDir)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}
