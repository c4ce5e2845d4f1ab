/**
 * How fast events reach many clients that watch one job over graphql-transport-ws: Playhead, the same schema behind plain
 * Yoga and graphql-ws, Mercurius, and the least that `ws` can do.
 *
 *     npm install --prefix tests/bench/rivals && node tests/bench/fanout.ts
 *
 * Servers and clients are processes of their own, each on a core where the machine has `taskset`. Playhead's events go
 * through PostgreSQL, written one a transaction; those of the others come from memory. Measured with one event on its way
 * at a time, and with eight: then Playhead hands a socket what has gathered in one write.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { Database } from "../../src/persistence/Database.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { type ClientOrder, type ClientReport, eventData, jobUuid, monotonicMs, type ServerOrder, type ServerReport } from "./fanout/protocol.ts"

const clients = 2_000
const manyClients = 5_000
const loads = [1, 8]
const warmUpMs = 2_000
const measuredMs = 5_000
const rounds = 3

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const pinned = cpus().length > 1 && spawnSync("taskset", ["-V"]).status === 0
const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const quantile = (values: ReadonlyArray<number>, q: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * q) - 1)] ?? 0

const startProcess = (file: string, core: number, environment: NodeJS.ProcessEnv = {}): ChildProcess => {
  const child = fork(path(file), {
    execArgv: ["--expose-gc", "--no-warnings"],
    env: { ...process.env, NODE_ENV: "production", ...environment },
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  if (pinned) spawnSync("taskset", ["-a", "-cp", String(core), String(child.pid)])
  return child
}
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

/** The next report of this sort. */
const reported = <Tag extends (ClientReport | ServerReport)["_tag"]>(child: ChildProcess, tag: Tag) =>
  new Promise<Extract<ClientReport | ServerReport, { _tag: Tag }>>((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      child.off("message", onMessage).off("exit", onExit)
      outcome()
    }
    const onExit = (code: number | null, signal: string | null) => settle(() => reject(new Error(`ended with ${code ?? signal}`)))
    const onMessage = (message: ClientReport | ServerReport): void => {
      if (message._tag === "failed") settle(() => reject(new Error(message.why)))
      if (message._tag === tag) settle(() => resolve(message as Extract<ClientReport | ServerReport, { _tag: Tag }>))
    }
    child.on("message", onMessage).once("exit", onExit)
  })

interface Running {
  readonly port: number
  readonly jobId: string
  /** The sequence of the newest event. */
  readonly last: () => number
  readonly emit: () => Promise<void>
  readonly rssBytes: () => Promise<number>
  readonly stop: () => Promise<void>
}

const running = async (child: ChildProcess, more: { readonly emit?: (n: number) => Promise<void>; readonly stop?: () => Promise<void> }): Promise<Running> => {
  const { jobId, port } = await reported(child, "listening")
  const order = (order: ServerOrder) => child.send(order)
  let last = 0
  return {
    port,
    jobId,
    last: () => last,
    emit: async () => {
      last += 1
      if (more.emit !== undefined) return more.emit(last)
      order({ _tag: "emit", first: last, count: 1 })
    },
    rssBytes: async () => {
      const memory = reported(child, "memory")
      order({ _tag: "memory" })
      return (await memory).rssBytes
    },
    stop: async () => {
      await stop(child)
      await more.stop?.()
    }
  }
}

const postgres = await startPostgres({ fsync: true })

const startPlayhead = async (): Promise<Running> => {
  const dataDir = mkdtempSync(join(tmpdir(), "playhead-fanout-"))
  const writer = new pg.Client(postgres.url)
  await writer.connect()
  await writer.query("drop schema public cascade; create schema public")
  await Effect.runPromise(Effect.asVoid(Database).pipe(
    Effect.provide(Database.layer({ url: Redacted.make(postgres.url), dataDir, poolSize: 2, statementTimeoutMs: 30_000, migrate: true }))
  ))
  await writer.query(
    `insert into job (id, kind, status, priority, options, last_sequence, created_at, updated_at) values ($1, 'IMPORT', 'RUNNING', 1, '{}', 0, now(), now())`,
    [jobUuid]
  )
  const child = startProcess("fanout/playhead.ts", 0, { DATABASE_URL: postgres.url, PLAYHEAD_DATA_DIR: dataDir })
  return running(child, {
    emit: async (n) => {
      await writer.query({
        name: "append",
        text: `with job as (update job set last_sequence = $2 where id = $1),
               event as (insert into job_event (job_id, sequence, kind, stage, data, dedupe_key, at) values ($1, $2::int, 'StageProgressedEvent', 'DOWNLOAD', $3, $2::text, now()))
               select pg_notify('playhead_job', $1::text)`,
        values: [jobUuid, n, JSON.stringify(eventData(n))]
      })
    },
    stop: async () => {
      await writer.end()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
}

const rivalInstalled = existsSync(path("rivals/node_modules/mercurius"))
const servers: ReadonlyArray<{ readonly name: string; readonly start: () => Promise<Running> }> = [
  { name: "Playhead", start: startPlayhead },
  { name: "Yoga + graphql-ws", start: () => running(startProcess("fanout/plain.ts", 0), {}) },
  ...(rivalInstalled ? [{ name: "Mercurius, JIT", start: () => running(startProcess("rivals/mercurius.mjs", 0), {}) }] : []),
  { name: "raw ws broadcast", start: () => running(startProcess("fanout/raw.ts", 0), {}) }
]

const startClients = () => startProcess("fanout/clients.ts", 1)
const connectAll = async (child: ChildProcess, server: Running, count: number, timed: boolean): Promise<void> => {
  const connected = reported(child, "connected")
  child.send({ _tag: "connect", port: server.port, clients: count, jobId: server.jobId, after: server.last(), timed } satisfies ClientOrder)
  await connected
  // The last of them have sent their subscription; it has to be taken up too.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
}

/** Messages a second, by how many events are on their way. */
const throughput = async (server: Running): Promise<ReadonlyArray<number>> => {
  const child = startClients()
  try {
    await connectAll(child, server, clients, false)
    let received = 0
    let wake = (): void => {}
    const failed = new Promise<never>((_, reject) => {
      child.on("message", (message: ClientReport) => {
        if (message._tag === "failed") reject(new Error(message.why))
        if (message._tag === "received") received = message.message
        wake()
      })
    })
    let emitted = 0
    const sendFor = async (ms: number, eventsOnTheWay: number): Promise<{ readonly events: number; readonly seconds: number }> => {
      const begun = monotonicMs()
      const before = received
      while (monotonicMs() - begun < ms) {
        if (emitted - received < eventsOnTheWay) {
          emitted += 1
          await server.emit()
        } else await Promise.race([failed, new Promise<void>((resolve) => { wake = resolve })])
      }
      return { events: received - before, seconds: (monotonicMs() - begun) / 1_000 }
    }
    const measured: Array<number> = []
    for (const load of loads) {
      await sendFor(warmUpMs, load)
      const { events, seconds } = await sendFor(measuredMs, load)
      measured.push((events * clients) / seconds)
    }
    return measured
  } finally {
    await stop(child)
  }
}

/** One event at a time to many clients: how long until each has it, and what a connection weighs. */
const reach = async (server: Running) => {
  const child = startClients()
  try {
    await server.emit()
    const before = await server.rssBytes()
    await connectAll(child, server, manyClients, true)
    const connectedBytes = await server.rssBytes()
    const delays: Array<number> = []
    for (let event = 0; event < 30; event++) {
      const received = reported(child, "received")
      const begun = monotonicMs()
      await server.emit()
      const { timesMs } = await received
      // The first few warm up what the rest is measured with.
      if (event >= 5) delays.push(...(timesMs ?? []).map((time) => time - begun))
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const usedBytes = await server.rssBytes()
    const kilobytes = (bytes: number) => (bytes - before) / manyClients / 1024
    return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), max: Math.max(0, quantile(delays, 1)), connectedKb: kilobytes(connectedBytes), usedKb: kilobytes(usedBytes) }
  } finally {
    await stop(child)
  }
}

const versionOf = (name: string, from = import.meta.url): string => {
  const require = createRequire(from)
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = join(folder, name, "package.json")
    if (existsSync(file)) return `${name} ${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}`
  }
  return `${name} not installed`
}

try {
  console.log([
    `node ${process.version}`, ...["graphql", "graphql-yoga", "graphql-ws", "ws"].map((name) => versionOf(name)),
    ...(rivalInstalled ? ["mercurius", "graphql"].map((name) => versionOf(name, new URL("rivals/mercurius.mjs", import.meta.url).href)) : ["Mercurius is not installed"]),
    `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${pinned ? "server and clients pinned to a core each" : "not pinned"}`
  ].join(", "))

  const rates = new Map<string, Array<ReadonlyArray<number>>>()
  for (let round = 0; round < rounds; round++) {
    for (const { name, start } of servers) {
      const server = await start()
      try {
        rates.set(name, [...(rates.get(name) ?? []), await throughput(server)])
      } finally {
        await server.stop()
      }
    }
  }
  for (const [index, load] of loads.entries()) {
    const of = (name: string): ReadonlyArray<number> => (rates.get(name) ?? []).map((measured) => measured[index] ?? 0)
    console.log(`\n${clients} clients, ${load === 1 ? "one event" : `${load} events`} on the way, messages/s, median of ${rounds}`)
    console.table(Object.fromEntries(servers.map(({ name }) => [name, {
      "messages/s": Math.round(median(of(name))),
      "least": Math.round(Math.min(...of(name))),
      "most": Math.round(Math.max(...of(name))),
      "Playhead is": `${(median(of("Playhead")) / median(of(name))).toFixed(2)} ×`
    }])))
  }

  const server = await startPlayhead()
  try {
    const { connectedKb, max, p50, p99, usedKb } = await reach(server)
    console.log(`\n${manyClients} clients of Playhead, one event to all, from before its transaction`)
    console.table({
      "p50": { value: `${p50.toFixed(0)} ms` },
      "p99": { value: `${p99.toFixed(0)} ms`, aim: "≤ 250 ms" },
      "slowest": { value: `${max.toFixed(0)} ms` },
      "memory a connection": { value: `${connectedKb.toFixed(1)} KB`, aim: "≤ 45 KB" },
      "memory a connection, after 30 events": { value: `${usedKb.toFixed(1)} KB` }
    })
  } finally {
    await server.stop()
  }
} finally {
  await postgres.stop()
}
