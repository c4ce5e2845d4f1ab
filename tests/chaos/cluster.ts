/** Nodes of Playhead as processes that can be killed, jobs that are submitted to them, and clients that watch these. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { createClient } from "graphql-ws"
import { WebSocket } from "ws"
import { type Ledger, startLedger } from "./ledger.ts"
import { atLeast, type Figure, none } from "./Scenario.ts"

const entry = fileURLToPath(new URL("node.ts", import.meta.url))

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

export interface Node {
  readonly port: number
  readonly doorPort: number
  readonly pid: () => number | undefined
  /** Resolves once it is ready. */
  readonly start: () => Promise<void>
  /** Resolves once it is gone. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
}

const makeNode = async (environment: NodeJS.ProcessEnv): Promise<Node> => {
  const [port, doorPort] = [await freePort(), await freePort()]
  let child: ChildProcess | undefined
  process.once("exit", () => child?.kill("SIGKILL"))
  return {
    port,
    doorPort,
    pid: () => child?.pid,
    start: async () => {
      child = spawn(process.execPath, [entry], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, LOG_FORMAT: "json", ...environment, PORT: String(port), DOOR_PORT: String(doorPort) }
      })
      if (child.stdout === null) throw new Error("no output")
      const printed: Array<string> = []
      for await (const line of createInterface(child.stdout)) {
        printed.push(line)
        if (!/GraphiQL is at|serves no API/.test(line)) continue
        child.stdout.resume()
        return
      }
      throw new Error(`the node ended before it was ready:\n${printed.join("\n")}`)
    },
    end: async (signal) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, "exit")
      child.kill(signal)
      await gone
    },
    signal: (signal) => child?.kill(signal)
  }
}

interface Watched {
  readonly id: string
  last: number
  ended: string | undefined
  faults: Array<string>
}

/** Follows jobs to their ends over graphql-ws, on whichever node answers, behind the last event that it has. */
const makeWatcher = (ports: ReadonlyArray<number>) => {
  const watched = new Map<string, Watched>()
  let turn = 0
  const follow = async (job: Watched): Promise<void> => {
    while (job.ended === undefined) {
      const client = clients[turn++ % clients.length]
      try {
        const events = client?.iterate<{ jobEvents: { __typename: string; sequence: number } }>({
          query: "subscription($id: ID!, $after: Int!) { jobEvents(jobId: $id, afterSequence: $after) { __typename sequence } }",
          variables: { id: job.id, after: job.last }
        })
        for await (const { data, errors } of events ?? []) {
          if (errors !== undefined) throw new Error(errors[0]?.message)
          const event = data?.jobEvents
          if (event === undefined) continue
          if (event.sequence <= job.last) job.faults.push(`${event.sequence} after ${job.last}`)
          // Progress may be left out where a connection is slow; here none is.
          if (event.sequence !== job.last + 1) job.faults.push(`${event.sequence} behind ${job.last}`)
          job.last = event.sequence
          if (/^Job(Succeeded|Failed|Cancelled)Event$/.test(event.__typename)) job.ended = event.__typename
        }
      } catch {
        await pause(100)
      }
    }
  }
  const clients = ports.map((port) => createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, onNonLazyError: () => {} }))
  return {
    watched,
    follow: (id: string) => {
      const job: Watched = { id, last: 0, ended: undefined, faults: [] }
      watched.set(id, job)
      void follow(job)
    },
    close: async () => {
      for (const job of watched.values()) job.ended ??= "given up"
      for (const client of clients) await client.dispose()
    }
  }
}

export interface Cluster {
  readonly nodes: ReadonlyArray<Node>
  readonly ledger: Ledger
  readonly dataDir: string
  /** Submits until a node acknowledges it, and watches the job. Returns how many tries that took, 0 when nobody did. */
  readonly submit: (name: string, stageMs: number, priority?: string) => Promise<number>
  /** All that were submitted have ended, as their watchers know; false when they have not within so long. */
  readonly allEnded: (withinMs: number) => Promise<boolean>
  readonly watched: ReadonlyMap<string, Watched>
  /** What holds for every scenario. */
  readonly figures: (submitted: number) => ReadonlyArray<Figure>
  readonly close: () => Promise<void>
}

export interface ClusterOptions {
  readonly databaseUrl: string | undefined
  /** Settings of each node beside the common ones. */
  readonly nodes: ReadonlyArray<NodeJS.ProcessEnv>
}

const stagesOfJob = 3

export const startCluster = async ({ databaseUrl, nodes: environments }: ClusterOptions): Promise<Cluster> => {
  const dataDir = await mkdtemp(join(tmpdir(), "playhead-chaos-"))
  const ledger = await startLedger()
  const nodes: Array<Node> = []
  for (const environment of environments) {
    nodes.push(await makeNode({ PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: databaseUrl, LEDGER_URL: ledger.url, LOG_LEVEL: "info", JOB_CONCURRENCY: "8", ...environment }))
  }
  await Promise.all(nodes.map((node) => node.start()))
  const watcher = makeWatcher(nodes.filter((_, at) => environments[at]?.["PLAYHEAD_ROLES"] !== "worker").map(({ port }) => port))
  const names = new Map<string, string>()
  let turn = 0

  const submit = async (name: string, stageMs: number, priority = "NORMAL"): Promise<number> => {
    for (let tries = 1; tries <= 300; tries++) {
      const node = nodes[turn++ % nodes.length]
      const answer = await fetch(`http://127.0.0.1:${node?.doorPort}/${name}?stageMs=${stageMs}&priority=${priority}`, { method: "POST", signal: AbortSignal.timeout(10_000) })
        .then((response) => response.ok ? response.text() : undefined, () => undefined)
      if (answer !== undefined) {
        names.set(name, answer)
        watcher.follow(answer)
        return tries
      }
      await pause(100)
    }
    return 0
  }

  return {
    nodes,
    ledger,
    dataDir,
    submit,
    watched: watcher.watched,
    allEnded: async (withinMs) => {
      const until = performance.now() + withinMs
      while (performance.now() < until) {
        if ([...watcher.watched.values()].every(({ ended }) => ended !== undefined)) return true
        await pause(100)
      }
      return false
    },
    figures: (submitted) => {
      const jobs = [...watcher.watched.values()]
      const missing = [...names.keys()].flatMap((name) => ["REQUEST", "FETCH_RESULT", "FINALIZE"].filter((stage) => !ledger.keys.has(`${name}/${stage}`)).map((stage) => `${name}/${stage}`))
      return [
        atLeast("submissions acknowledged", Math.round((1000 * names.size) / submitted) / 10, 95, " %"),
        none("stuck", jobs.filter(({ ended }) => ended === undefined).map(({ id }) => id)),
        none("lost (ended otherwise than succeeded)", jobs.filter(({ ended }) => ended !== undefined && ended !== "JobSucceededEvent").map(({ ended, id }) => `${id} ${ended}`)),
        none(`effects missing of ${names.size * stagesOfJob}`, missing),
        none("doubled effects", [...ledger.keys].filter(([, keys]) => keys.size > 1).map(([effect]) => effect)),
        none("streams with a gap or a repeat", jobs.filter(({ faults }) => faults.length > 0).map(({ faults, id }) => `${id}: ${faults[0]}`)),
        { figure: "repeated requests that their key made harmless", value: String(ledger.replays()), bar: "", ok: true }
      ]
    },
    close: async () => {
      await watcher.close()
      await Promise.all(nodes.map((node) => node.end("SIGKILL")))
      await ledger.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}
