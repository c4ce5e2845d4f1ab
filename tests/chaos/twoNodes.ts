import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { startCluster } from "./cluster.ts"
import { hostsCanBeNamed } from "./nodeProcess.ts"
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

const killedInTurn = (separateHosts: boolean): Scenario => ({
  name: `Two nodes, one killed every 5 s in turn, ${separateHosts ? "on two hosts" : "on one host"}`,
  run: async ({ seed, short = false }) => {
    // Peers on one host see at once that a process is gone; on another host they have to wait for what the database knows.
    if (separateHosts && !hostsCanBeNamed()) return [{ figure: "skipped", value: "needs the right to name hosts (unshare --uts)", bar: "", ok: true }]
    const [count, kills] = short ? [30, 1] : [300, 8]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({ seed, databaseUrl: postgres.url, nodes: [{}, {}], separateHosts })
    const client = new pg.Client(postgres.url)
    await client.connect()
    const orphans: Array<Orphan> = []
    try {
      const submitting = cluster.submitOver(count, kills * (short ? 2000 : 5000), () => 200 + Math.round(random() * (short ? 200 : 600)))
      for (let kill = 0; kill < kills; kill++) {
        const next = pause(5000)
        await pause(2000)
        const node = cluster.nodes[kill % 2]
        const { rows } = await client.query<{ id: string; now: Date }>(
          "select id, clock_timestamp() as now from job where status = 'RUNNING' and split_part(node, ':', 2) = $1",
          [String(node?.pid())]
        )
        await node?.end("SIGKILL")
        orphans.push(...rows.map(({ id, now }) => ({ id, lostAt: now })))
        // The peer has to take over by itself: the next life of the dead node, on the same host, would know at once.
        await pause(2500)
        await node?.start()
        if (!short) await next
      }
      await submitting
      await cluster.allEnded(short ? 15_000 : 120_000)
      const times = await gaps(client, orphans)
      const p99 = times[Math.max(0, Math.ceil(times.length * 0.99) - 1)] ?? 0
      const takeover: ReadonlyArray<Figure> = short ? [] : [
        atMost(`${times.length} orphans running again, p99`, p99, 6000, " ms"),
        { figure: "p50", value: `${times[times.length >> 1] ?? 0} ms`, bar: "", ok: true }
      ]
      return [...(await cluster.figures()), { figure: "jobs running at the kills", value: String(orphans.length), bar: "", ok: orphans.length > 0 }, ...takeover]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
})

export const twoNodes = killedInTurn(false)
export const twoHosts = killedInTurn(true)
