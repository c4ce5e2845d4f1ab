import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { startFaultProxy } from "./faultProxy.ts"
import { submitOver } from "./killed.ts"
import { atMost, type Figure, none, randomFrom, type Scenario } from "./Scenario.ts"

/** A client that asks all the time; what it was answered with an error. */
const askOn = (cluster: Cluster) => {
  const errors: Array<string> = []
  const stopping = new AbortController()
  const answers: Array<number> = []
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now()
      const response = await fetch(`http://127.0.0.1:${cluster.nodes[0]?.port}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: "{ jobs(first: 5) { edges { node { id status } } } }" })
      }).then((answer) => answer.text(), String)
      if (response.includes('"errors"') || !response.includes('"data"')) errors.push(response.slice(0, 120))
      answers.push(performance.now() - begun)
      await pause(10)
    }
  })()
  return {
    errors,
    answers,
    stop: () => {
      stopping.abort()
      return asking
    }
  }
}

export const terminatedConnections: Scenario = {
  name: "All connections of the database terminated once a second",
  run: async ({ seed, short = false }) => {
    const [count, blows] = short ? [30, 3] : [200, 10]
    const postgres = await startPostgres({ fsync: true })
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{}] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    const poolSize = async () => {
      const { rows } = await client.query<{ count: number }>("select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
      return rows[0]?.count ?? 0
    }
    try {
      const submitting = submitOver(cluster, count, blows * 1000, randomFrom(seed))
      const asking = askOn(cluster)
      await pause(1000)
      const before = await poolSize()
      for (let blow = 0; blow < blows; blow++) {
        await client.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        await pause(1000)
      }
      await submitting
      await cluster.allEnded(60_000)
      await asking.stop()
      const after = await poolSize()
      return [...cluster.figures(count), none(`errors in ${asking.answers.length} answers`, asking.errors), atMost(`connections after (before: ${before})`, after, Math.max(before, 11))]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}

export const faultyNetwork: Scenario = {
  name: "A bad network between server and database: slow, reset, down, half closed",
  run: async ({ seed, short = false }) => {
    const [count, rounds] = short ? [20, 1] : [150, 3]
    const postgres = await startPostgres({ fsync: true })
    const proxy = await startFaultProxy(Number(new URL(postgres.url).port))
    const url = new URL(postgres.url)
    url.port = String(proxy.port)
    const cluster = await startCluster({ databaseUrl: url.href, nodes: [{}] })
    const recoveries: Array<number> = []
    try {
      const submitting = submitOver(cluster, count, rounds * 10_000, randomFrom(seed))
      await pause(1000)
      for (let round = 0; round < rounds; round++) {
        for (const fault of ["latency", "reset", "down", "half-closed"] as const) {
          proxy.set(fault)
          await pause(2000)
          proxy.set("none")
          recoveries.push(await recovery(cluster))
          await pause(500)
        }
      }
      await submitting
      await cluster.allEnded(60_000)
      const figures: ReadonlyArray<Figure> = short ? [] : [atMost("answers again after healing, most", Math.round(Math.max(...recoveries)), 1000, " ms")]
      return [...cluster.figures(count), ...figures]
    } finally {
      await cluster.close()
      await proxy.close()
      await postgres.stop()
    }
  }
}

/** From now until a new request is answered with data. */
const recovery = async (cluster: Cluster): Promise<number> => {
  const begun = performance.now()
  while (performance.now() - begun < 30_000) {
    const text = await fetch(`http://127.0.0.1:${cluster.nodes[0]?.port}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ jobs(first: 1) { edges { node { id } } } }" }),
      signal: AbortSignal.timeout(5_000)
    }).then((answer) => answer.text(), String)
    if (text.includes('"data"') && !text.includes('"errors"')) break
    await pause(20)
  }
  return performance.now() - begun
}

export const emptiedQueue: Scenario = {
  name: "The queue emptied under load",
  run: async ({ seed, short = false }) => {
    const [count, blows] = short ? [40, 2] : [300, 5]
    const postgres = await startPostgres({ fsync: true })
    const cluster = await startCluster({ databaseUrl: postgres.url, nodes: [{}] })
    const client = new pg.Client(postgres.url)
    await client.connect()
    try {
      const submitting = submitOver(cluster, count, blows * 1500, randomFrom(seed))
      for (let blow = 0; blow < blows; blow++) {
        await pause(1500)
        await client.query("delete from pgboss.job")
      }
      await submitting
      await cluster.allEnded(120_000)
      return cluster.figures(count)
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
    }
  }
}
