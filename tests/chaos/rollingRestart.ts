import { setTimeout as pause } from "node:timers/promises"
import { startPostgres } from "../support/postgresServer.ts"
import { noAnswer, startCluster } from "./cluster.ts"
import { none, randomFrom, type Scenario } from "./Scenario.ts"

const rolling = (name: string, nodes: ReadonlyArray<NodeJS.ProcessEnv>): Scenario => ({
  name,
  run: async ({ seed, short = false }) => {
    const [count, rounds] = short ? [30, 1] : [300, 3]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({ seed, databaseUrl: postgres.url, nodes })
    const exits: Array<string> = []
    try {
      const submitting = cluster.submitOver(count, rounds * nodes.length * 2500, () => 100 + Math.round(random() * 300))
      for (let round = 0; round < rounds; round++) {
        for (const node of cluster.nodes) {
          await pause(short ? 500 : 1000)
          const begun = performance.now()
          const code = await node.end("SIGTERM")
          if (code !== 0) exits.push(`exit ${code}`)
          if (performance.now() - begun > 12_000) exits.push("did not stop within 12 s")
          await node.start()
        }
      }
      await submitting
      await cluster.allEnded(short ? 15_000 : 120_000)
      return [
        ...(await cluster.figures()),
        none("errors seen by clients other than a connection's end", cluster.submissions.flatMap(({ errors }) => errors.filter((why) => !why.startsWith(noAnswer))).concat(cluster.interruptions.filter((why) => why.startsWith("error")))),
        none("stops that were not clean", exits)
      ]
    } finally {
      await cluster.close()
      await postgres.stop()
    }
  }
})

export const rollingRestart = rolling("Rolling restart of two nodes under load", [{}, {}])
/** All streams are watched on the node for clients, and all that they tell happens on the other. */
export const roles = rolling("One node for clients and one for work, each restarted under load", [{ PLAYHEAD_ROLES: "api" }, { PLAYHEAD_ROLES: "worker" }])
