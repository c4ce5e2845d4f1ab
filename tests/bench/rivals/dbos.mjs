/**
 * DBOS doing the work of tests/bench/jobs.ts, in a process of its own: `node dbos.mjs URL LATENCY_ROUNDS THROUGHPUT_JOBS`.
 * Bare, a workflow is a function without steps. Like for like, it writes what Playhead writes for each job: an
 * application row that is changed three times and five events.
 */
import { DBOS } from "@dbos-inc/dbos-sdk"
import pg from "pg"

const [, , url, latencyRounds, throughputJobs] = process.argv
const pool = new pg.Pool({ connectionString: url, max: 10 })
await pool.query(`create table if not exists app_job (id uuid primary key, status text not null, last_sequence int not null default 0, updated_at timestamptz not null default now())`)
await pool.query(`create table if not exists app_event (job_id uuid not null, sequence int not null, kind text not null, data jsonb not null, at timestamptz not null default now(), primary key (job_id, sequence))`)

/** A change of the row and its events, as one transaction. */
const write = async (id, status, from, kinds) => {
  const client = await pool.connect()
  try {
    await client.query("begin")
    await client.query("insert into app_job (id, status, last_sequence) values ($1, $2, $3) on conflict (id) do update set status = $2, last_sequence = $3, updated_at = now()", [id, status, from + kinds.length])
    await client.query("insert into app_event (job_id, sequence, kind, data) select $1, $2 + n, kind, '{}' from unnest($3::text[]) with ordinality as k (kind, n) on conflict do nothing", [id, from, kinds])
    await client.query("commit")
  } finally {
    client.release()
  }
}

const started = new Map()
const begin = (id) => started.get(id)?.(performance.now())
const bare = DBOS.registerWorkflow((id) => {
  begin(id)
  return Promise.resolve()
}, { name: "bare" })
const likeForLike = DBOS.registerWorkflow(async (id) => {
  await DBOS.runStep(() => write(id, "RUNNING", 1, ["JobStarted", "StageStarted"]), { name: "start" })
  begin(id)
  await DBOS.runStep(() => write(id, "SUCCEEDED", 3, ["StageSucceeded", "JobSucceeded"]), { name: "finish" })
}, { name: "likeForLike" })

DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, logLevel: "error" })
await DBOS.launch()

const submit = async (workflow) => {
  const id = crypto.randomUUID()
  const submitted = performance.now()
  const startedAt = new Promise((resolve) => started.set(id, resolve))
  if (workflow === likeForLike) await write(id, "QUEUED", 0, ["JobQueued"])
  const handle = await DBOS.startWorkflow(workflow, { workflowID: id })(id)
  return { startMs: startedAt.then((at) => at - submitted), done: handle.getResult() }
}

const measure = async (workflow) => {
  const latencies = []
  for (let round = 0; round < Number(latencyRounds) + 20; round++) {
    const { done, startMs } = await submit(workflow)
    if (round >= 20) latencies.push(await startMs)
    await done
  }
  const begun = performance.now()
  const all = []
  let next = 0
  const submitters = Array.from({ length: 8 }, async () => {
    while (next < Number(throughputJobs)) {
      next++
      all.push((await submit(workflow)).done)
    }
  })
  await Promise.all(submitters)
  await Promise.all(all)
  return { latencies, jobsPerSecond: Number(throughputJobs) / ((performance.now() - begun) / 1000) }
}

console.log(JSON.stringify({ bare: await measure(bare), likeForLike: await measure(likeForLike) }))
await DBOS.shutdown()
await pool.end()
