import { setTimeout as pause } from "node:timers/promises"
import { startPostgres } from "../support/postgresServer.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { randomFrom, type Scenario } from "./Scenario.ts"

/** How many jobs run now, 100 at the most. */
const runningJobs = async (cluster: Cluster): Promise<number> =>
  (await cluster.query<{ jobs: { edges: ReadonlyArray<unknown> } }>("{ jobs(first: 100, filter: { status: [RUNNING] }) { edges { cursor } } }")).jobs.edges.length

const killed = (engine: "PGlite" | "PostgreSQL", jobs: number, [shortestMs, longestMs]: readonly [number, number]): Scenario => ({
  name: `The server killed two seconds after each start, ${engine}`,
  run: async ({ seed, short = false }) => {
    const [count, kills] = short ? [20, 2] : [jobs, 10]
    const random = randomFrom(seed)
    const postgres = engine === "PostgreSQL" ? await startPostgres({ fsync: !short }) : undefined
    const cluster = await startCluster({ seed, databaseUrl: postgres?.url, nodes: [{}] })
    try {
      const [node] = cluster.nodes
      const submitting: Array<Promise<void>> = []
      let hit = 0
      for (let kill = 0; kill < kills; kill++) {
        // The last of a round's submissions fall into the time when nobody answers.
        submitting.push(cluster.submitOver(count / kills, 2400, () => Math.round(shortestMs + random() * (longestMs - shortestMs))))
        await pause(2000)
        hit += await runningJobs(cluster)
        await node?.end("SIGKILL")
        await node?.start()
      }
      await Promise.all(submitting)
      await cluster.allEnded(short ? 15_000 : 120_000)
      return [...(await cluster.figures()), { figure: `jobs running at the ${kills} kills`, value: String(hit), bar: "", ok: hit > 0 }]
    } finally {
      await cluster.close()
      await postgres?.stop()
    }
  }
})

export const killedOnPostgres = killed("PostgreSQL", 500, [20, 200])
export const killedOnPglite = killed("PGlite", 100, [200, 800])
