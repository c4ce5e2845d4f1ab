import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { startCluster } from "./cluster.ts"
import { none, randomFrom, type Scenario } from "./Scenario.ts"

export const emptiedQueue: Scenario = {
  name: "The queue emptied under load",
  run: async ({ seed, short = false }) => {
    const [count, blows] = short ? [40, 1] : [400, 6]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({ seed, databaseUrl: postgres.url, nodes: [{}] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    try {
      const submitting = cluster.submitOver(count, blows * 1500, () => 20 + Math.round(random() * 180))
      let deleted = 0
      for (let blow = 0; blow < blows; blow++) {
        await pause(1500)
        deleted += (await client.query("delete from pgboss.job")).rowCount ?? 0
      }
      await submitting
      await cluster.allEnded(short ? 30_000 : 120_000)
      return [...(await cluster.figures()), none("errors seen by clients", cluster.seenByClients()), { figure: "entries deleted", value: String(deleted), bar: "", ok: deleted > 0 }]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}
