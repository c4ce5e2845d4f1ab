import { setTimeout as pause } from "node:timers/promises"
import { startPostgres } from "../support/postgresServer.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { randomFrom, type Scenario } from "./Scenario.ts"

/** Submits jobs evenly over a time, and does not wait for one before the next. */
export const submitOver = async (cluster: Cluster, count: number, overMs: number, random: () => number): Promise<void> => {
  const submissions: Array<Promise<number>> = []
  for (let job = 0; job < count; job++) {
    submissions.push(cluster.submit(`job-${job}`, 20 + Math.round(random() * 180)))
    await pause(overMs / count)
  }
  await Promise.all(submissions)
}

const killed = (engine: "PGlite" | "PostgreSQL", jobs: number): Scenario => ({
  name: `The server killed every 2 s, ${engine}`,
  run: async ({ seed, short = false }) => {
    const [count, kills] = short ? [30, 2] : [jobs, 10]
    const random = randomFrom(seed)
    const postgres = engine === "PostgreSQL" ? await startPostgres({ fsync: true }) : undefined
    const cluster = await startCluster({ databaseUrl: postgres?.url, nodes: [{}] })
    try {
      const [node] = cluster.nodes
      const submitting = submitOver(cluster, count, kills * 2000, random)
      for (let kill = 0; kill < kills; kill++) {
        await pause(2000)
        await node?.end("SIGKILL")
        await node?.start()
      }
      await submitting
      await cluster.allEnded(120_000)
      return cluster.figures(count)
    } finally {
      await cluster.close()
      await postgres?.stop()
    }
  }
})

export const killedOnPostgres = killed("PostgreSQL", 500)
export const killedOnPglite = killed("PGlite", 100)
