import { existsSync, mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { arch, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { startPostgres } from "../support/postgresServer.ts"
import { startCluster } from "./cluster.ts"
import type { NodeProcess } from "./nodeProcess.ts"
import { atLeast, atMost, randomFrom, type Scenario } from "./Scenario.ts"

const multiarch = arch() === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
/** Of Debian's package libfaketime. */
const library = `/usr/lib/${multiarch}/faketime/libfaketimeMT.so.1`

const hour = 3600

/** How far a node's clock is off, in seconds, as its answers say. */
const offBy = async ({ port }: NodeProcess): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`)
  await response.text()
  return Math.abs(Date.parse(response.headers.get("date") ?? "") - Date.now()) / 1000
}

export const movedClocks: Scenario = {
  name: "The clocks of two nodes moved by an hour, forward and back",
  run: async ({ seed, short = false }) => {
    if (!existsSync(library)) return [{ figure: "skipped", value: `needs ${library} (Debian's package libfaketime)`, bar: "", ok: true }]
    const [count, moves] = short ? [30, 2] : [300, 8]
    const random = randomFrom(seed)
    const directory = mkdtempSync(join(tmpdir(), "playhead-clocks-"))
    const clocks = ["ahead", "behind"].map((name) => join(directory, name))
    const move = (clock: string, seconds: number) => writeFileSync(clock, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`)
    for (const clock of clocks) move(clock, 0)
    const postgres = await startPostgres({ fsync: !short })
    const cluster = await startCluster({
      seed,
      databaseUrl: postgres.url,
      // The time of day only, as somebody sets it; how fast time goes by stays.
      nodes: clocks.map((clock) => ({ LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" }))
    })
    let farthest = 0
    const client = new pg.Client(postgres.url)
    await client.connect()
    try {
      const submitting = cluster.submitOver(count, moves * 2000, () => 50 + Math.round(random() * 300))
      for (let turn = 0; turn < moves; turn++) {
        await pause(1000)
        for (const [index, clock] of clocks.entries()) move(clock, [hour, -hour, 0][(turn + index) % 3] ?? 0)
        await pause(1500)
        for (const node of cluster.nodes) farthest = Math.max(farthest, await offBy(node))
        // A node that starts while its clock is wrong.
        if (turn % 4 === 1) {
          await cluster.nodes[0]?.end("SIGKILL")
          await cluster.nodes[0]?.start()
        }
      }
      await submitting
      await cluster.allEnded(short ? 15_000 : 60_000)
      const { rows } = await client.query<{ off: number }>(
        `select coalesce(max(abs(extract(epoch from time - now()))), 0)::float8 as off from (
           select at from job_event union all select created_at from job union all select finished_at from job union all select started_at from job_stage
         ) as written (time)`
      )
      return [
        ...(await cluster.figures()),
        atLeast("a node's clock was off by", Math.round(farthest), hour - 60, " s"),
        atMost("the time of a job, a stage or an event is off by", Math.round(rows[0]?.off ?? Number.NaN), 300, " s")
      ]
    } finally {
      await client.end()
      await cluster.close()
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    }
  }
}
