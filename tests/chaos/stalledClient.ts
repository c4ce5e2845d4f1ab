/**
 * One client of a hundred that stops reading, while ten jobs write 100,000 events: the server lives and keeps nothing for
 * it, the others do not notice, and it loses nothing when it comes back. The same load without a stalled client, before
 * and after, is what the others' delays are compared with.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import pg from "pg"
import { type RawData, WebSocket } from "ws"
import { globalId } from "../../src/graphql/ids.ts"
import type { ServerReport } from "../bench/fanout/protocol.ts"
import { startPostgres } from "../support/postgresServer.ts"

export const name = "A stalled client among 100 during 100,000 events"

interface Figure {
  readonly figure: string
  readonly value: string
  readonly bar: string
  readonly ok: boolean
}

const jobs = 10
const clientsOfJob = 10
const eventsStalled = 100_000
const eventsCompared = 20_000
const batchSize = 20
const eventsPerSecond = 1_000
const paddingBytes = 1_000
/** The 99th percentile is taken of so many events at a time, and of those the middle one: other work on the machine comes in bursts. */
const sliceSize = 2_500

const document = `subscription ($jobId: ID!, $after: Int!) {
  jobEvents(jobId: $jobId, afterSequence: $after) {
    __typename sequence ... on StageProgressedEvent { stage { provider } } ... on JobWaitingEvent { awaiting }
  }
}`

const uuidOf = (job: number): string => `01900000-0000-7000-8000-${String(job).padStart(12, "0")}`
/** In every event of a job: whoever gets that of another job would see it. */
const markOf = (job: number): string => `job-${job}-${"x".repeat(paddingBytes)}`

const quantile = (sorted: ReadonlyArray<number>, q: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0
const p99 = (delays: ReadonlyArray<number>): number => quantile(delays.toSorted((a, b) => a - b), 0.99)
const median = (values: ReadonlyArray<number>): number => quantile(values.toSorted((a, b) => a - b), 0.5)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Mulberry32: the same events for the same seed. */
const randomFrom = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const rssBytes = ({ pid }: ChildProcess): number =>
  Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024

interface Client {
  readonly socket: WebSocket
  readonly job: number
  last: number
  received: number
  /** Events of another job. */
  foreign: number
  repeated: number
  /** Events that are missing and are no progress. */
  lost: number
}

export const run = async ({ seed }: { readonly seed: number }): Promise<ReadonlyArray<Figure>> => {
  const random = randomFrom(seed)
  const dataDir = mkdtempSync(join(tmpdir(), "playhead-stalled-"))
  const postgres = await startPostgres({ fsync: false })
  const writer = new pg.Client(postgres.url)
  await writer.connect()
  const server = fork(fileURLToPath(new URL("../bench/fanout/playhead.ts", import.meta.url)), {
    execArgv: ["--no-warnings"],
    env: { ...process.env, NODE_ENV: "production", DATABASE_URL: postgres.url, PLAYHEAD_DATA_DIR: dataDir },
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  const exited = once(server, "exit")
  try {
    const [{ port }] = (await once(server, "message")) as [Extract<ServerReport, { _tag: "listening" }>]
    for (let job = 0; job < jobs; job++) {
      await writer.query(
        `insert into job (id, kind, status, priority, options, last_sequence, created_at, updated_at) values ($1, 'IMPORT', 'RUNNING', 1, '{}', 0, now(), now())`,
        [uuidOf(job)]
      )
    }

    /** By job and sequence: whether the event may be left out for a client that is behind. */
    const isProgress = Array.from({ length: jobs }, (): Array<boolean> => [])
    /** By job and sequence: when the transaction was begun that wrote the event. */
    const writtenAt = Array.from({ length: jobs }, (): Array<number> => [])
    let delays: Array<number> = []

    const connect = async (job: number, after: number): Promise<Client> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, "graphql-transport-ws")
      const client: Client = { socket, job, last: after, received: 0, foreign: 0, repeated: 0, lost: 0 }
      socket.on("error", () => {})
      await once(socket, "open")
      socket.send(JSON.stringify({ type: "connection_init" }))
      await once(socket, "message")
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: document, variables: { jobId: globalId("Job", uuidOf(job)), after } } }))
      const mark = `"job-${job}-`
      socket.on("message", (data: RawData) => {
        const now = performance.now()
        const text = (data as Buffer).toString("latin1")
        const sequence = Number(/"sequence":(\d+)/u.exec(text)?.[1] ?? 0)
        if (!text.includes(mark)) client.foreign += 1
        if (sequence <= client.last) client.repeated += 1
        for (let missing = client.last + 1; missing < sequence; missing++) if (isProgress[job]?.[missing] !== true) client.lost += 1
        client.last = sequence
        client.received += 1
        const written = writtenAt[job]?.[sequence]
        if (written !== undefined) delays.push(now - written)
      })
      return client
    }

    const write = async (job: number): Promise<void> => {
      const times = writtenAt[job] ?? []
      const progressOf = isProgress[job] ?? []
      const last = Math.max(0, times.length - 1)
      const now = performance.now()
      const mark = markOf(job)
      const events = Array.from({ length: batchSize }, (_, index) => {
        const progress = random() < 0.5
        times[last + 1 + index] = now
        progressOf[last + 1 + index] = progress
        return !progress
          ? { kind: "JobWaitingEvent", data: { awaiting: mark, until: null } }
          : {
            kind: "StageProgressedEvent",
            data: {
              stage: { name: "DOWNLOAD", status: "RUNNING", progress: 0.5, attempt: 1, provider: mark, quality: null, degradedFrom: null, failure: null, startedAt: null, finishedAt: null },
              progress: 0.5
            }
          }
      })
      await writer.query({
        name: "append",
        text: `with job as (update job set last_sequence = $2::int + $5::int where id = $1),
               event as (
                 insert into job_event (job_id, sequence, kind, data, dedupe_key, at)
                 select $1, $2 + e.n, e.kind, e.data::jsonb, ($2 + e.n)::text, now() from unnest($3::text[], $4::text[]) with ordinality as e(kind, data, n)
               )
               select pg_notify('playhead_job', $1::text)`,
        values: [uuidOf(job), last, events.map(({ kind }) => kind), events.map(({ data }) => JSON.stringify(data)), batchSize]
      })
    }

    const isUpToDate = ({ job, last }: Client): boolean => last === Math.max(0, (writtenAt[job]?.length ?? 0) - 1)
    const untilUpToDate = async (watched: ReadonlyArray<Client>): Promise<void> => {
      for (let tries = 0; tries < 300 && !watched.every(isUpToDate); tries++) await pause(100)
    }

    const clients: Array<Client> = []
    /** Writes at a steady pace; what the others waited, and the most memory that the server had meanwhile. */
    const load = async (events: number, watched: ReadonlyArray<Client>) => {
      delays = []
      const slices: Array<number> = []
      let mostRss = 0
      const begun = performance.now()
      for (let written = 0; written < events; written += batchSize) {
        const early = begun + (written / eventsPerSecond) * 1_000 - performance.now()
        if (early > 0) await pause(early)
        await write(Math.floor(random() * jobs))
        if (written % 2_000 === 0) mostRss = Math.max(mostRss, rssBytes(server))
        if ((written + batchSize) % sliceSize === 0) {
          slices.push(p99(delays))
          delays = []
        }
      }
      await untilUpToDate(watched)
      return { slices, mostRss }
    }

    for (let job = 0; job < jobs; job++) for (let client = 0; client < clientsOfJob; client++) clients.push(await connect(job, 0))
    await load(10_000, clients)
    const before = await load(eventsCompared, clients)

    const [stalled, ...others] = clients
    if (stalled === undefined) throw new Error("there are no clients")
    const closed = once(stalled.socket, "close")
    stalled.socket.pause()
    const during = await load(eventsStalled, others)
    stalled.socket.resume()
    const [code] = (await closed) as [number]

    const returned = await connect(stalled.job, stalled.last)
    await untilUpToDate([returned])
    const after = await load(eventsCompared, [...others, returned])

    const all = [...clients, returned]
    const compared = median([...before.slices, ...after.slices])
    const slower = (median(during.slices) / compared - 1) * 100
    const grown = (during.mostRss - Math.max(before.mostRss, after.mostRss)) / 1024 ** 2
    const total = (key: "foreign" | "repeated" | "lost") => all.reduce((sum, client) => sum + client[key], 0)
    const missing = [...others, returned].filter((client) => !isUpToDate(client)).length
    const alive = server.exitCode === null && server.signalCode === null
    return [
      { figure: "process", value: alive ? "alive" : "ended", bar: "alive", ok: alive },
      { figure: "stalled client", value: `closed with ${code}`, bar: "4413, or 1006 once it has slept past it", ok: code === 4413 || code === 1006 },
      { figure: "server memory, beside the load without it", value: `${grown >= 0 ? "+" : ""}${grown.toFixed(0)} MB`, bar: "≤ +50 MB", ok: grown <= 50 },
      { figure: "p99 delay of the others", value: `${median(during.slices).toFixed(1)} ms (${slower >= 0 ? "+" : ""}${slower.toFixed(0)} %)`, bar: `≤ +20 % of ${compared.toFixed(1)} ms`, ok: slower <= 20 },
      { figure: "events of another job", value: String(total("foreign")), bar: "0", ok: total("foreign") === 0 },
      { figure: "events lost, events repeated", value: `${total("lost")}, ${total("repeated")}`, bar: "0, 0", ok: total("lost") + total("repeated") === 0 },
      { figure: "clients without the last event", value: String(missing), bar: "0", ok: missing === 0 }
    ]
  } finally {
    server.kill("SIGKILL")
    await exited
    await writer.end()
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
