import { setTimeout as pause } from "node:timers/promises"
import { startPostgres } from "../support/postgresServer.ts"
import { keepAsking } from "./asking.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { type Fault, startFaultProxy } from "./faultProxy.ts"
import { atMost, type Figure, none, randomFrom, type Scenario } from "./Scenario.ts"

const faults: ReadonlyArray<Fault> = ["latency", "stalled", "reset", "down", "half-closed", "slow-close"]

interface Recovery {
  readonly fault: Fault
  /** Milliseconds from the healing to each of: an answer, an event written since on a stream that was open before, the end of a new job. */
  readonly answerMs: number
  readonly eventMs: number
  readonly jobMs: number
}

const within = async (ms: number, look: () => Promise<boolean> | boolean): Promise<number> => {
  const begun = performance.now()
  while (performance.now() - begun < ms) {
    if (await look()) break
    await pause(10)
  }
  return Math.round(performance.now() - begun)
}

/** Jobs are running all the time, so streams have news all the time. */
const recover = async (cluster: Cluster, fault: Fault, probe: string): Promise<Recovery> => {
  const healedAt = Date.now()
  const old = [...cluster.watched.values()].filter(({ ended, events }) => !ended && events.length > 0)
  const [answerMs, eventMs, jobMs] = await Promise.all([
    within(20_000, () => cluster.query("{ jobs(first: 1) { edges { node { id } } } }").then(() => true, () => false)),
    within(20_000, () => old.some(({ events }) => events.some(({ at }) => at >= healedAt))),
    within(20_000, async () => {
      const { id } = await cluster.submit({ name: probe, stageMs: 2, priority: "HIGH" })
      const job = cluster.watched.get(id ?? "")
      await within(20_000, () => job?.ended === true)
      return true
    })
  ])
  return { fault, answerMs, eventMs, jobMs }
}

const worst = (what: string, found: ReadonlyArray<Recovery>, of: (recovery: Recovery) => number): Figure => {
  const most = found.toSorted((a, b) => of(b) - of(a))[0]
  return atMost(`${what}, most (after ${most?.fault})`, most === undefined ? Number.NaN : of(most), 1000, " ms")
}

export const faultyNetwork: Scenario = {
  name: `A bad network between server and database: ${faults.join(", ")}`,
  run: async ({ seed, short = false }) => {
    const [count, rounds, faultMs] = short ? [30, 1, 400] : [250, 3, 2000]
    const random = randomFrom(seed)
    const postgres = await startPostgres({ fsync: !short })
    const proxy = await startFaultProxy(Number(new URL(postgres.url).port))
    const url = new URL(postgres.url)
    url.port = String(proxy.port)
    const cluster = await startCluster({ seed, databaseUrl: url.href, nodes: [{}] })
    const recoveries: Array<Recovery> = []
    try {
      const submitting = cluster.submitOver(count, rounds * faults.length * (faultMs + 1000), () => 100 + Math.round(random() * 300))
      const asking = keepAsking(cluster)
      await pause(1000)
      for (let round = 0; round < rounds; round++) {
        for (const fault of faults) {
          await proxy.set(fault)
          await pause(faultMs)
          await proxy.set("none")
          recoveries.push(await recover(cluster, fault, `probe-${round}-${fault}`))
          await pause(500)
        }
      }
      await submitting
      await cluster.allEnded(short ? 20_000 : 60_000)
      const answers = await asking.stop()
      const bars = short ? [] : [
        worst("a new request answered after healing", recoveries, ({ answerMs }) => answerMs),
        worst("an event on an open stream after healing", recoveries, ({ eventMs }) => eventMs),
        worst("a new job done after healing", recoveries, ({ jobMs }) => jobMs)
      ]
      return [...(await cluster.figures()), none(`errors seen by clients, of ${answers} queries and ${cluster.submissions.length} submissions and streams`, [...cluster.seenByClients(), ...asking.errors]), ...bars]
    } finally {
      await cluster.close()
      await proxy.close()
      await postgres.stop()
    }
  }
}
