/** What is looked at to tell whether Playhead is in order. */
import { statfs } from "node:fs/promises"
import { Effect } from "effect"
import { FFmpeg } from "../audio/FFmpeg.ts"
import { Queue } from "../jobs/Queue.ts"
import { Database } from "../persistence/Database.ts"
import { migrationNames } from "../persistence/migrating.ts"
import { BlobStore } from "../storage/BlobStore.ts"
import type { CheckResult, NamedCheck } from "./Health.ts"

/** Below this much free space new work is likely to fail. */
const lowDiskBytes = 1024 ** 3
/** So many callers for each connection do not wait for a moment only. */
const crowded = 10
/** A job that waits so long while nothing runs has nobody who takes it. */
const unattendedSeconds = 60

/** The tables may be older than this version, as while nodes of two versions run; or newer, behind a step back. */
export const migrationState = (applied: ReadonlyArray<string>): CheckResult => {
  const missing = migrationNames.filter((name) => !applied.includes(name))
  const foreign = applied.filter((name) => !migrationNames.includes(name))
  if (missing.length > 0) return { status: "UNHEALTHY", message: `${missing.join(", ")} not applied: run npm run migrate -- up` }
  if (foreign.length > 0) return { status: "DEGRADED", message: `the tables are of a newer version, which applied ${foreign.join(", ")}: update this node` }
  return { status: "HEALTHY", message: `${migrationNames.length} applied` }
}

interface Attention {
  readonly running: number
  readonly nodes: number
  readonly waitedSeconds: number
}

export const workerState = ({ nodes, running, waitedSeconds }: Attention): CheckResult =>
  running === 0 && waitedSeconds > unattendedSeconds
    ? { status: "DEGRADED", message: `jobs have been waiting for ${Math.round(waitedSeconds)} s and nobody takes them: start a process with worker in PLAYHEAD_ROLES` }
    : { status: "HEALTHY", message: `${running} jobs run on ${nodes} nodes; the oldest that waits has done so for ${Math.round(waitedSeconds)} s` }

export const diskState = (freeBytes: number): CheckResult => ({
  status: freeBytes < lowDiskBytes ? "DEGRADED" : "HEALTHY",
  message: `${Math.round(freeBytes / 1_000_000)} MB free`
})

export const makeChecks = (settings: { readonly dataDir: string }) =>
  Effect.gen(function*() {
    const database = yield* Database
    const ffmpeg = yield* FFmpeg
    const store = yield* BlobStore
    const queue = yield* Queue
    const checks: ReadonlyArray<NamedCheck> = [
      {
        name: "database",
        run: Effect.map(database.health, ({ pool }) => ({
          status: pool.waiting > pool.limit * crowded ? "DEGRADED" : "HEALTHY",
          message: `${database.engine}; ${pool.total} of ${pool.limit} connections open, ${pool.idle} idle, ${pool.waiting} requests waiting`
        }))
      },
      {
        name: "migrations",
        run: Effect.map(database.query<{ name: string }>("health.migrations", "select name from migration"), (rows) => migrationState(rows.map(({ name }) => name)))
      },
      { name: "engine", run: Effect.map(queue.depth, (depth) => ({ status: "HEALTHY", message: `${depth} entries in the queue` })) },
      {
        name: "workers",
        run: Effect.map(
          database.query<Attention>(
            "health.workers",
            `select count(*) filter (where status = 'RUNNING')::int as running, count(distinct node)::int as nodes,
               coalesce(extract(epoch from clock_timestamp() - min(updated_at) filter (where status = 'QUEUED')), 0)::float8 as "waitedSeconds"
             from job where status in ('QUEUED', 'RUNNING')`
          ),
          ([found]) => workerState(found ?? { running: 0, nodes: 0, waitedSeconds: 0 })
        )
      },
      { name: "storage", run: Effect.as(store.stat("0".repeat(64)), { status: "HEALTHY" }) },
      { name: "disk", run: Effect.map(Effect.promise(() => statfs(settings.dataDir)), ({ bavail, bsize }) => diskState(bavail * bsize)) },
      { name: "ffmpeg", run: Effect.succeed({ status: "HEALTHY", message: `${ffmpeg.program.version} (${ffmpeg.program.origin})` }) }
    ]
    return checks
  })
