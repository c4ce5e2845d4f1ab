import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { startCluster } from "./cluster.ts"
import { submitOver } from "./killed.ts"
import { atMost, type Figure, randomFrom, type Scenario } from "./Scenario.ts"

interface Orphan {
  readonly id: string
  readonly lostAt: Date
}

/** How long each job that a killed node held was not worked on, in milliseconds: from the kill to its next start. */
const gaps = async (client: pg.Client, orphans: ReadonlyArray<Orphan>): Promise<ReadonlyArray<number>> => {
  const found: Array<number> = []
  for (const { id, lostAt } of orphans) {
    const { rows } = await client.query<{ at: Date | null }>("select min(at) as at from job_event where job_id = $1 and kind = 'JobStartedEvent' and at > $2", [id, lostAt])
    const at = rows[0]?.at
    // Without another start its end was written in the very moment of the kill.
    if (at) found.push(at.getTime() - lostAt.getTime())
  }
  return found.toSorted((a, b) => a - b)
}

export const twoNodes: Scenario = {
  name: "Two nodes, one killed every 5 s in turn",
  run: async ({ seed, short = false }) => {
    const [count, kills] = short ? [40, 2] : [400, 8]
    const postgres = await startPostgres({ fsync: true })
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{}, {}] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    const orphans: Array<Orphan> = []
    try {
      const submitting = submitOver(cluster, count, kills * 5000, randomFrom(seed))
      for (let kill = 0; kill < kills; kill++) {
        await pause(2000)
        const node = cluster.nodes[kill % 2]
        const { rows } = await client.query<{ id: string; now: Date }>(
          "select id, clock_timestamp() as now from job where status = 'RUNNING' and split_part(node, ':', 2) = $1",
          [String(node?.pid())]
        )
        await node?.end("SIGKILL")
        orphans.push(...rows.map(({ id, now }) => ({ id, lostAt: now })))
        await pause(1000)
        // A start takes two seconds: with it, a kill comes every five.
        await node?.start()
      }
      await submitting
      await cluster.allEnded(120_000)
      const times = await gaps(client, orphans)
      const p99 = times[Math.max(0, Math.ceil(times.length * 0.99) - 1)] ?? 0
      const takeover: ReadonlyArray<Figure> = short ? [] : [
        atMost(`${times.length} orphans running again, p99`, p99, 6000, " ms"),
        { figure: "p50", value: `${times[times.length >> 1] ?? 0} ms`, bar: "", ok: true }
      ]
      return [...cluster.figures(count), ...takeover]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}

export const rollingRestart: Scenario = {
  name: "Rolling restart of two nodes, one for clients and one for work, and of a third for both",
  run: async ({ seed, short = false }) => {
    const [count, rounds] = short ? [30, 1] : [200, 4]
    const postgres = await startPostgres({ fsync: true })
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{ PLAYHEAD_ROLES: "api" }, { PLAYHEAD_ROLES: "worker" }, {}] })
    try {
      const submitting = submitOver(cluster, count, rounds * 6000, randomFrom(seed))
      for (let round = 0; round < rounds; round++) {
        for (const node of cluster.nodes) {
          await pause(1000)
          await node.end("SIGTERM")
          await node.start()
        }
      }
      await submitting
      await cluster.allEnded(120_000)
      return cluster.figures(count)
    } finally {
      await cluster.close()
      await postgres.stop()
    }
  }
}

export const frozenNode: Scenario = {
  name: "A node that freezes for 15 s and wakes up",
  run: async ({ seed, short = false }) => {
    const count = short ? 20 : 100
    const postgres = await startPostgres({ fsync: true })
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{}, {}] })
    try {
      const submitting = submitOver(cluster, count, 4000, randomFrom(seed))
      await pause(2000)
      cluster.nodes[0]?.signal("SIGSTOP")
      await pause(15_000)
      cluster.nodes[0]?.signal("SIGCONT")
      await submitting
      await cluster.allEnded(120_000)
      return cluster.figures(count)
    } finally {
      await cluster.close()
      await postgres.stop()
    }
  }
}

/** Preloaded into a node: its clock goes wrong, as a bad time server makes it. */
const clockWrongBy = (ms: number) => `--import data:text/javascript,const%20now=Date.now;Date.now=()=>now()+(${ms});const%20D=Date;globalThis.Date=class%20extends%20D{constructor(...a){a.length?super(...a):super(D.now())}}`

export const wrongClocks: Scenario = {
  name: "Two nodes whose clocks are an hour ahead and an hour behind",
  run: async ({ seed, short = false }) => {
    const count = short ? 30 : 200
    const postgres = await startPostgres({ fsync: true })
    const hour = 3_600_000
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{ NODE_OPTIONS: clockWrongBy(hour) }, { NODE_OPTIONS: clockWrongBy(-hour) }] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    try {
      const submitting = submitOver(cluster, count, 6000, randomFrom(seed))
      await pause(3000)
      await cluster.nodes[0]?.end("SIGKILL")
      await cluster.nodes[0]?.start()
      await submitting
      await cluster.allEnded(120_000)
      const { rows } = await client.query<{ off: number }>(
        `select coalesce(max(abs(extract(epoch from e.at - now()))), 0)::float8 as off from job_event e
         union all select coalesce(max(abs(extract(epoch from coalesce(j.finished_at, j.created_at) - now()))), 0)::float8 from job j`
      )
      return [...cluster.figures(count), atMost("a time of jobs or events off by", Math.round(Math.max(...rows.map(({ off }) => off))), 300, " s")]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}
