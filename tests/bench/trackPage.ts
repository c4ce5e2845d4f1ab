/**
 * A page of the library as a frontend lists it, 50 tracks with their artifacts and their latest job, of 100,000 tracks on
 * PostgreSQL: Playhead against Mercurius with its JIT compiler, Apollo Server 5 and PostGraphile 5, and the floor, which is
 * node:http, the statements and JSON.
 *
 *     npm ci --prefix tests/bench/rivals && node tests/bench/trackPage.ts [--tracks 100000] [--rounds 5] [--connections 16]
 *         [--only Playhead,floor] [--database postgresql://a-library-that-was-filled-before]
 *
 * Each server is a process of its own on the same database, on one core where the machine has `taskset`; the load and
 * PostgreSQL have the others. They take turns within a round. CPU is what the server's process used for a request, by the
 * kernel: it tells how much a core could answer, whatever else the machine has to do.
 */
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { isDeepStrictEqual, parseArgs } from "node:util"
import { cpus } from "node:os"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { Database } from "../../src/persistence/Database.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { cpuMsOf, median, percentile, surroundings } from "./support/figures.ts"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"
import type { LoadOrder, LoadReport } from "./trackPage/load.ts"
import { agreed, agreedByPostgraphile, document, postgraphileDocument } from "./trackPage/page.ts"
import { fillLibrary } from "./tracks/library.ts"

const { values } = parseArgs({
  options: {
    tracks: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    connections: { type: "string", default: "16" },
    only: { type: "string", default: "" },
    database: { type: "string" }
  }
})
const rounds = Number(values.rounds)
const pageSize = 50
const warmUpMs = 1_000
const measuredMs = 4_000
/** Before the first round: what is compiled as it runs shall be. */
const settlingMs = 10_000

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
if (!existsSync(path("rivals/node_modules/postgraphile"))) {
  throw new Error("The servers to compare with are not installed: run `npm ci --prefix tests/bench/rivals` first.")
}
const pinned = cpus().length > 1 && spawnSync("taskset", ["-V"]).status === 0
const pin = (pid: number, core: number): void => {
  if (pinned) spawnSync("taskset", ["-a", "-cp", String(core), String(pid)])
}

interface Running {
  readonly url: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

const startRival = async (file: string, databaseUrl: string): Promise<Running> => {
  const child = spawn(process.execPath, [path(`rivals/tracks/${file}.mjs`)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_ENV: "production", DATABASE_URL: databaseUrl }
  })
  process.once("exit", () => child.kill("SIGKILL"))
  for await (const line of createInterface(child.stdout)) {
    const url = /listening at (\S+)/u.exec(line)?.[1]
    if (url === undefined || child.pid === undefined) continue
    child.stdout.resume()
    return {
      url,
      pid: child.pid,
      stop: async () => {
        child.kill("SIGKILL")
        await once(child, "exit")
      }
    }
  }
  throw new Error(`${file} ended before it was ready`)
}

interface Competitor {
  readonly name: string
  readonly query: string
  readonly agreed: (text: string) => object
  readonly server: Running
}

interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpuMs: number
}

const bodyFor = (query: string): string => JSON.stringify({ query, operationName: "Page", variables: { first: pageSize } })

const loading = async (load: ChildProcess, { query, server }: Competitor, lastsMs: number): Promise<LoadReport> => {
  load.send({ url: server.url, body: bodyFor(query), connections: Number(values.connections), lastsMs } satisfies LoadOrder)
  const [report] = (await once(load, "message")) as [LoadReport]
  return report
}

const measure = async (load: ChildProcess, competitor: Competitor): Promise<Measured> => {
  await loading(load, competitor, warmUpMs)
  const before = await cpuMsOf(competitor.server.pid)
  const { timesMs } = await loading(load, competitor, measuredMs)
  const used = (await cpuMsOf(competitor.server.pid)) - before
  return { perSecond: (timesMs.length / measuredMs) * 1000, p50: percentile(timesMs, 50), p99: percentile(timesMs, 99), cpuMs: used / timesMs.length }
}

const answerOf = async ({ query, server }: Competitor): Promise<string> => {
  const answer = await fetch(server.url, { method: "POST", headers: { "content-type": "application/json" }, body: bodyFor(query) })
  return answer.text()
}

console.log(`${surroundings()}${pinned ? "; the server on a core of its own" : ""}`)

const fill = async (databaseUrl: string, dataDir: string): Promise<void> => {
  await Effect.runPromise(Effect.asVoid(Database).pipe(
    Effect.provide(Database.layer({ url: Redacted.make(databaseUrl), dataDir, poolSize: 2, statementTimeoutMs: 60_000, migrate: true }))
  ))
  const client = new pg.Client(databaseUrl)
  await client.connect()
  await fillLibrary(client, Number(values.tracks))
  await client.end()
}

const postgres = values.database === undefined ? await startPostgres({ fsync: true }) : undefined
const databaseUrl = postgres?.url ?? values.database ?? ""
try {
  await withDataDirectory(async (dataDir) => {
    if (postgres !== undefined) await fill(databaseUrl, dataDir)
    const startPlayhead = async (): Promise<Running> => {
      const server = await startServer(dataDir, { DATABASE_URL: databaseUrl })
      return { ...server, url: `${server.url}/graphql` }
    }
    const wanted = values.only === "" ? undefined : values.only.split(",")
    const competitors: Array<Competitor> = []
    for (const [name, start, query, agreement] of [
      ["Playhead", startPlayhead, document, agreed],
      ["Mercurius, JIT", () => startRival("mercurius", databaseUrl), document, agreed],
      ["Apollo Server 5", () => startRival("apollo", databaseUrl), document, agreed],
      ["PostGraphile 5", () => startRival("postgraphile", databaseUrl), postgraphileDocument, agreedByPostgraphile],
      ["floor", () => startRival("floor", databaseUrl), document, agreed]
    ] as const) {
      if (wanted !== undefined && !wanted.includes(name)) continue
      const server = await start()
      pin(server.pid, 0)
      competitors.push({ name, query, agreed: agreement, server })
    }
    const load = fork(path("trackPage/load.ts"), { execArgv: ["--no-warnings"] }).on("exit", (code) => {
      if (code !== null) throw new Error("the load ended by itself")
    })
    pin(load.pid ?? 0, 1)
    try {
      const answers = []
      for (const competitor of competitors) answers.push(competitor.agreed(await answerOf(competitor)))
      for (const [index, answer] of answers.entries()) {
        if (!isDeepStrictEqual(answer, answers[0])) throw new Error(`${competitors[index]?.name} answers something else than ${competitors[0]?.name}`)
      }
      console.log(`All ${answers.length} answer the same page of ${pageSize}.`)

      const measured = new Map<string, Array<Measured>>()
      for (const competitor of competitors) await loading(load, competitor, settlingMs)
      for (let round = 0; round < rounds; round++) {
        for (const competitor of competitors) {
          measured.set(competitor.name, [...(measured.get(competitor.name) ?? []), await measure(load, competitor)])
        }
      }
      const of = (name: string, figure: keyof Measured) => median((measured.get(name) ?? []).map((one) => one[figure]))
      console.log(`${values.connections} connections, ${rounds} rounds in turns of ${measuredMs / 1000} s, medians`)
      console.table(Object.fromEntries(competitors.map(({ name }) => [name, {
        "requests/s": Math.round(of(name, "perSecond")),
        "p50 ms": of(name, "p50").toFixed(1),
        "p99 ms": of(name, "p99").toFixed(1),
        "CPU ms": of(name, "cpuMs").toFixed(2),
        ...(measured.has("floor") && { "of the floor": (of(name, "perSecond") / of("floor", "perSecond")).toFixed(2) }),
        ...(measured.has("Playhead") && { "Playhead is": `${(of("Playhead", "perSecond") / of(name, "perSecond")).toFixed(2)} ×` })
      }])))
    } finally {
      load.kill("SIGKILL")
      for (const { server } of competitors) await server.stop()
    }
  })
} finally {
  await postgres?.stop()
}
