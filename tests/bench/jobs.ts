/**
 * Jobs that do nothing, so that only the engine is measured: from the call that submits one (its row, its first event and
 * its queue entry are committed) to the start of its stage, and how many a second go from submission to their end. Beside
 * it DBOS on the same PostgreSQL, bare and with the writes that Playhead makes for each job.
 *
 *     npm install --prefix tests/bench/rivals && node tests/bench/jobs.ts [--jobs 2000] [--rounds 300]
 */
import { execFile, fork } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs, promisify } from "node:util"
import { Effect, Redacted, Schema } from "effect"
import type { JobKindDefinition } from "../../src/jobs/JobKinds.ts"
import { Database } from "../../src/persistence/Database.ts"
import { startEngine, type TestEngine } from "../support/jobEngine.ts"
import { databaseUrl, startPostgres } from "../support/postgresServer.ts"
import { percentile, surroundings } from "./support/figures.ts"
import pg from "pg"

const slots = 8
const { values } = parseArgs({ options: { jobs: { type: "string", default: "2000" }, rounds: { type: "string", default: "300" }, worker: { type: "string" } } })
const [jobs, rounds] = [Number(values.jobs), Number(values.rounds)]

/** When each job started, or who waits to hear of it. */
const starts = new Map<string, number | ((at: number) => void)>()
const hasStarted = (jobId: string) => {
  const waiting = starts.get(jobId)
  if (typeof waiting === "function") waiting(performance.now())
  else starts.set(jobId, performance.now())
}
const startOf = (jobId: string): Promise<number> =>
  new Promise((resolve) => {
    const at = starts.get(jobId)
    if (typeof at === "number") resolve(at)
    else starts.set(jobId, resolve)
  })
let finished = 0
const Options = Schema.Struct({ name: Schema.String })
const kind: JobKindDefinition<typeof Options.Type> = {
  kind: "GENERATE",
  options: Options,
  stages: [{
    name: "FINALIZE",
    weight: 1,
    output: Schema.Null,
    run: ({ jobId }) => Effect.sync(() => {
      hasStarted(jobId)
      return { output: null }
    })
  }],
  onFinished: (tx) => tx.afterCommit(Effect.sync(() => { finished++ }))
}

const engineOn = (url: string | undefined, worker = true) =>
  startEngine({
    database: Database.layer({ url: url === undefined ? undefined : Redacted.make(url), dataDir: "memory://", poolSize: 20, statementTimeoutMs: 15_000, migrate: true }) as never,
    kinds: [kind],
    concurrency: slots,
    worker
  })

const latencies = async (engine: TestEngine): Promise<ReadonlyArray<number>> => {
  const found: Array<number> = []
  for (let round = 0; round < rounds + 20; round++) {
    const begun = performance.now()
    const id = await Effect.runPromise(engine.submit(`latency ${round}`))
    const at = await startOf(id)
    if (round >= 20) found.push(at - begun)
    await pause(5)
  }
  return found
}

const throughput = async (engine: TestEngine, isDone: () => Promise<boolean>): Promise<number> => {
  const begun = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < jobs) await Effect.runPromise(engine.submit(`throughput ${next++}`))
  }))
  while (!(await isDone())) await pause(5)
  return jobs / ((performance.now() - begun) / 1000)
}

const inScope = <A>(use: (engine: TestEngine) => Promise<A>, url?: string, worker = true): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(engineOn(url, worker), (engine) => Effect.promise(() => use(engine)))))

const row = (latency: ReadonlyArray<number>, perSecond: number) => ({
  "start p50, ms": latency.length === 0 ? "" : percentile(latency, 50).toFixed(1),
  "p99, ms": latency.length === 0 ? "" : percentile(latency, 99).toFixed(1),
  "jobs/s": perSecond.toFixed(0)
})

/** Another process that only works, as the second node of the measurement. */
if (values.worker !== undefined) {
  await inScope(async () => {
    process.send?.("ready")
    await once(process, "disconnect")
  }, values.worker)
} else {
  const postgres = await startPostgres({ fsync: true })
  const newDatabase = async (name: string) => {
    const client = new pg.Client(postgres.url)
    await client.connect()
    await client.query(`create database ${name}`)
    await client.end()
    return databaseUrl(postgres.url, name)
  }
  console.log(`${surroundings()}, ${slots} slots a process, ${jobs} jobs, fsync on`)
  const table: Record<string, object> = {}
  const own = async (engine: TestEngine) => {
    const latency = await latencies(engine)
    finished = 0
    return row(latency, await throughput(engine, () => Promise.resolve(finished >= jobs)))
  }
  table["Playhead, PostgreSQL"] = await inScope(own, await newDatabase("one"))
  table["Playhead, PGlite"] = await inScope(own)

  const shared = await newDatabase("two")
  table["Playhead, PostgreSQL, two processes"] = await inScope(async (engine) => {
    const worker = fork(fileURLToPath(import.meta.url), ["--worker", shared], { stdio: "inherit" })
    await once(worker, "message")
    const remaining = async () => (await Effect.runPromise(engine.sql<{ count: number }>("select count(*)::int as count from job where status <> 'SUCCEEDED'")))[0]?.count
    const perSecond = await throughput(engine, async () => (await remaining()) === 0)
    worker.disconnect()
    return row([], perSecond)
  }, shared)

  const rival = fileURLToPath(new URL("rivals/dbos.mjs", import.meta.url))
  if (existsSync(fileURLToPath(new URL("rivals/node_modules/@dbos-inc", import.meta.url)))) {
    const { stdout } = await promisify(execFile)(process.execPath, [rival, await newDatabase("dbos"), String(rounds), String(jobs)], { maxBuffer: 16 << 20 })
    const measured = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Record<"bare" | "likeForLike", { latencies: ReadonlyArray<number>; jobsPerSecond: number }>
    table["DBOS 5.3.0, bare"] = row(measured.bare.latencies, measured.bare.jobsPerSecond)
    table["DBOS 5.3.0, with the same rows and events"] = row(measured.likeForLike.latencies, measured.likeForLike.jobsPerSecond)
  } else console.log("DBOS is not installed: npm install --prefix tests/bench/rivals")
  console.table(table)
  await postgres.stop()
}
