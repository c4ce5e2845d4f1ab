import { setTimeout as pause } from "node:timers/promises"
import { startPostgres } from "../support/postgresServer.ts"
import { startCluster } from "./cluster.ts"
import { randomFrom, type Scenario } from "./Scenario.ts"

export const frozenNode: Scenario = {
  name: "A node that freezes, loses its jobs to another, and wakes up",
  run: async ({ seed, short = false }) => {
    const [count, times] = short ? [30, 1] : [200, 2]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({ seed, databaseUrl: postgres.url, nodes: [{}, {}] })
    try {
      for (let time = 0; time < times; time++) {
        const submitting = cluster.submitOver(count / times, 2000, () => 200 + Math.round(random() * 400))
        await pause(1000)
        cluster.nodes[time % 2]?.signal("SIGSTOP")
        // The queue takes it for lost after ten seconds without a heartbeat, and looks every five.
        await pause(short ? 12_000 : 18_000)
        cluster.nodes[time % 2]?.signal("SIGCONT")
        await submitting
      }
      await cluster.allEnded(short ? 20_000 : 60_000)
      return await cluster.figures()
    } finally {
      await cluster.close()
      await postgres.stop()
    }
  }
}
