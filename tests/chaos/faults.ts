/** Sources and the metadata catalogue that fail in every way that passes: everything is made good without a person, and nothing is left behind. */
import { readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { clientOf, submitImport } from "../support/app.ts"
import { bundledFFmpeg, song } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { type Behaviour, brokenChunks, bytes, file, misannounced, notHttp, resetInBody, stallBeforeHeaders, stallInBody, startSourceServer, status } from "../support/sourceServer.ts"
import { startCluster } from "./cluster.ts"
import { atLeast, atMost, type Figure, none, randomFrom, type Scenario } from "./Scenario.ts"
import { watchToEnd } from "./watchToEnd.ts"

const faults: Readonly<Record<string, Behaviour>> = {
  "429": status(429, { "retry-after": "1" }),
  "500": status(500),
  "503": status(503),
  reset: resetInBody(2000, 20_000),
  stall: stallInBody(2000, 20_000),
  silence: stallBeforeHeaders,
  "half a body": misannounced(2000, 20_000),
  "broken chunks": brokenChunks,
  "no HTTP": notHttp
}

const filesIn = async (directory: string): Promise<ReadonlyArray<string>> =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !/\.lock/.test(entry.name)).map(({ name }) => name)
/** Files and pipes; the connections of clients are theirs. */
const openFilesOf = async (pid: number): Promise<ReadonlyArray<string>> => {
  const targets = await Promise.all((await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")))
  return targets.filter((target) => target.startsWith("/") || target.startsWith("pipe:")).toSorted()
}
const childrenOf = async (pid: number): Promise<ReadonlyArray<string>> => {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(processes.map((name) => readFile(`/proc/${name}/stat`, "utf8").catch(() => "")))
  return stats.filter((stat) => stat.slice(stat.lastIndexOf(")")).split(" ")[2] === String(pid))
}

export const transientFaults: Scenario = {
  name: "Transient faults of sources and providers",
  run: async ({ seed, short = false }) => {
    const jobs = short ? 40 : 1000
    const random = randomFrom(seed)
    const clip = await song("of-faults.ogg", { seconds: 2, args: ["-c:a", "libvorbis"] })
    const kinds = Object.keys(faults)
    const injected = new Map<string, number>()
    const someFault = (of: "source" | "catalogue"): Behaviour => {
      const kind = kinds[Math.floor(random() * kinds.length)] ?? "500"
      const name = `${of}: ${kind}`
      injected.set(name, (injected.get(name) ?? 0) + 1)
      return faults[kind] as Behaviour
    }
    const left = new Map<string, number>()
    const well = file(clip, "audio/ogg")
    const catalogueAnswer = bytes(JSON.stringify({ resultCount: 0, results: [] }))
    const source = await startSourceServer(new Proxy<Record<string, Behaviour>>({}, {
      get: (_, path): Behaviour => {
        if (path === "/search") return random() < 0.1 ? someFault("catalogue") : catalogueAnswer
        const faulty = left.get(String(path)) ?? Math.floor(random() * 3)
        left.set(String(path), faulty - 1)
        return faulty > 0 ? someFault("source") : well
      }
    }))
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({
      seed,
      databaseUrl: postgres.url,
      nodes: [{ PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, ITUNES_BASE_URL: source.url("").replace(/\/$/, ""), DOWNLOAD_TIMEOUT_SECONDS: "3", FFMPEG_PATH: bundledFFmpeg }]
    })
    const pid = cluster.nodes[0]?.pid() ?? 0
    const url = `http://127.0.0.1:${cluster.nodes[0]?.port}`
    const app = { url, ...clientOf(url) }
    const imported = async (name: string) => {
      const answer = await submitImport(app, { source: { url: source.url(`/${name}.ogg`) }, artist: "Somebody", title: name, allowDuplicate: true })
      const last = answer.job === undefined ? undefined : await watchToEnd(app, answer.job.id)
      return last?.__typename === "JobSucceededEvent" ? [] : [`${name}: ${last?.failure?.message ?? answer.message ?? last?.__typename}`]
    }
    try {
      await imported("warm-up")
      const filesBefore = await openFilesOf(pid)
      let next = 0
      const failed: Array<string> = []
      await Promise.all(Array.from({ length: 50 }, async () => {
        while (next < jobs) failed.push(...await imported(`song-${next++}`))
      }))
      // What is on its way to its end may come there.
      await pause(5000)
      const { errorReport } = await app.query<{ errorReport: { readonly total: number; readonly unhandled: number; readonly recoveryRate: number } }>("{ errorReport(lastSeconds: 7200) { total unhandled recoveryRate } }")
      console.log(`injected: ${[...injected].map(([kind, count]) => `${count} × ${kind}`).join(", ")}; failures seen: ${errorReport.total}`)
      const figures: ReadonlyArray<Figure> = [
        ...(short ? [] : [atLeast("pairs of a provider and a fault that were met", injected.size, 2 * kinds.length)]),
        atLeast("jobs that succeeded, %", Number((100 * (1 - failed.length / jobs)).toFixed(1)), 99),
        atLeast("failures made good without a person, %", Number((100 * errorReport.recoveryRate).toFixed(1)), 99),
        atMost("failures that nobody had thought of", errorReport.unhandled, 0),
        none("files in the places of work", await filesIn(join(cluster.dataDir, "work"))),
        none("child processes", await childrenOf(pid)),
        none("open files that were not open before", (await openFilesOf(pid)).filter((path) => !filesBefore.includes(path))),
        atMost("open connections to the sources", await source.openConnections(), 0)
      ]
      return failed.length === 0 ? figures : [...figures, { figure: "the first that failed", value: failed[0]?.slice(0, 160) ?? "", bar: "", ok: true }]
    } finally {
      await cluster.close()
      await source.close()
      await postgres.stop()
    }
  }
}
