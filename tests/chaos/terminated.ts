import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { keepAsking } from "./asking.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import type { NodeProcess } from "./nodeProcess.ts"
import { type Figure, none, randomFrom, type Scenario } from "./Scenario.ts"

const othersThanMine = "from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()"

/** Ten of the pool, and the one for notifications. */
const allConnections = 11

/** How many connections the node has open once so much is asked that its pool should be full. */
const fullPool = async (cluster: Cluster, client: pg.Client): Promise<number> => {
  let most = 0
  for (let burst = 0; burst < 50 && most < allConnections; burst++) {
    const asked = Array.from({ length: 50 }, () => cluster.query("{ jobs(first: 100) { edges { node { id stages { name } } } } }"))
    for (let look = 0; look < 10; look++) {
      const { rows } = await client.query<{ count: number }>(`select count(*)::int as count ${othersThanMine}`)
      most = Math.max(most, rows[0]?.count ?? 0)
    }
    await Promise.all(asked)
  }
  return most
}

/** Connections at work, as the node itself counts them. Not by its health: the checks behind that use the pool. */
const inUse = async (node: NodeProcess): Promise<number> => {
  const metrics = await (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text()
  return Number(/^playhead_database_connections\{state="active"\} (\d+)$/m.exec(metrics)?.[1])
}

/** The least of several looks: something is always about to look for work. */
const inUseAtRest = async (node: NodeProcess): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 5; look++) {
    least = Math.min(least, await inUse(node))
    await pause(100)
  }
  return least
}

export const terminatedConnections: Scenario = {
  name: "All connections of the database terminated once a second",
  run: async ({ seed, short = false }) => {
    const [count, blows] = short ? [40, 3] : [400, 10]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({ seed, databaseUrl: postgres.url, nodes: [{}] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    const [node] = cluster.nodes
    if (node === undefined) throw new Error("no node")
    try {
      const before = await fullPool(cluster, client)
      const submitting = cluster.submitOver(count, blows * 1000 + 1000, () => 20 + Math.round(random() * 180))
      const asking = keepAsking(cluster)
      await pause(1000)
      let ended = 0
      for (let blow = 0; blow < blows; blow++) {
        const { rowCount } = await client.query(`select pg_terminate_backend(pid) ${othersThanMine}`)
        ended += rowCount ?? 0
        await pause(1000)
      }
      await submitting
      await cluster.allEnded(short ? 15_000 : 60_000)
      const answers = await asking.stop()
      await pause(300)
      const leaked = await inUseAtRest(node)
      const after = await fullPool(cluster, client)
      const pool: ReadonlyArray<Figure> = [
        { figure: "connections when all are wanted", value: String(after), bar: `${before} as before`, ok: after === before },
        { figure: "connections in use when none is wanted", value: String(leaked), bar: "0", ok: leaked === 0 }
      ]
      return [
        ...(await cluster.figures()),
        none(`errors seen by clients, of ${answers} queries and ${cluster.submissions.length} submissions and streams`, [...cluster.seenByClients(), ...asking.errors]),
        { figure: "connections terminated", value: String(ended), bar: "", ok: ended > 0 },
        ...pool
      ]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}
