/** The database and the bucket of files are taken away while jobs run, and given back: nobody restarts anything. */
import { setTimeout as pause } from "node:timers/promises"
import { clientOf, submitImport } from "../support/app.ts"
import { bundledFFmpeg, songA } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { startS3Server } from "../support/s3Server.ts"
import { file, startSourceServer } from "../support/sourceServer.ts"
import { startCluster } from "./cluster.ts"
import { startFaultProxy } from "./faultProxy.ts"
import { atMost, type Figure, none, type Scenario } from "./Scenario.ts"
import { watchToEnd } from "./watchToEnd.ts"

const jobs = 20
const goneForMs = 15_000
/** The checks are made every five seconds, and give up after three. */
const noticedWithinMs = 9000
/** From then on; the nodes look every five seconds. */
const toldWithinMs = 30_000

interface Unplugged {
  readonly name: string
  /** How the incident begins that tells of it. */
  readonly cause: string
  readonly unplug: () => Promise<void> | void
  readonly plugIn: () => Promise<void> | void
}

export const unpluggedStores: Scenario = {
  name: "The database and the bucket unplugged and plugged in again",
  run: async ({ seed, short = false }) => {
    const postgres = await startPostgres({ fsync: !short })
    const proxy = await startFaultProxy(Number(new URL(postgres.url).port))
    const databaseUrl = new URL(postgres.url)
    databaseUrl.port = String(proxy.port)
    const s3 = await startS3Server()
    const source = await startSourceServer({ "/song.ogg": file(songA, "audio/ogg") })
    const cluster = await startCluster({
      seed,
      databaseUrl: databaseUrl.href,
      nodes: [{
        PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, FFMPEG_PATH: bundledFFmpeg,
        S3_BUCKET: "playhead", S3_ENDPOINT: s3.endpoint, S3_ACCESS_KEY_ID: "S3RVER", S3_SECRET_ACCESS_KEY: "S3RVER"
      }]
    })
    const url = `http://127.0.0.1:${cluster.nodes[0]?.port}`
    const app = { url, ...clientOf(url) }
    const isReady = () => fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) }).then(({ ok }) => ok, () => false)
    const readyIs = async (wanted: boolean, withinMs: number): Promise<number> => {
      const begun = performance.now()
      while (performance.now() - begun < withinMs && (await isReady()) !== wanted) await pause(100)
      return Math.round(performance.now() - begun)
    }

    /** Of the incidents of a cause, once none is open that was. */
    const toldOf = async (cause: string): Promise<ReadonlyArray<string>> => {
      const begun = performance.now()
      let states: ReadonlyArray<string> = []
      while (performance.now() - begun < toldWithinMs && (states.length === 0 || states.includes("OPEN"))) {
        const { incidents } = await app.query<{ incidents: ReadonlyArray<{ status: string; cause: string }> }>("{ incidents { status cause } }")
        states = incidents.flatMap((incident) => (incident.cause.startsWith(cause) ? [incident.status] : []))
        await pause(500)
      }
      return states
    }

    const withoutIt = async ({ cause, name, plugIn, unplug }: Unplugged): Promise<ReadonlyArray<Figure>> => {
      const submitted = await Promise.all(Array.from({ length: jobs }, () => submitImport(app, { source: { url: source.url("/song.ogg") }, allowDuplicate: true })))
      await unplug()
      const noticedAfterMs = await readyIs(false, 30_000)
      await pause(Math.max(0, goneForMs - noticedAfterMs))
      await plugIn()
      const wellAfterMs = await readyIs(true, 30_000)
      const ends = await Promise.all(submitted.map(({ job }) => watchToEnd(app, job?.id ?? "")))
      const incidents = await toldOf(cause)
      return [
        { figure: `incidents of the ${name}, by their state`, value: incidents.join(), bar: "RESOLVED", ok: incidents.join() === "RESOLVED" },
        atMost(`not ready, without the ${name}, after`, noticedAfterMs, noticedWithinMs, " ms"),
        atMost(`ready again, once the ${name} was back, after`, wellAfterMs, noticedWithinMs, " ms"),
        none(`of ${jobs} jobs that ran without the ${name}, those that did not succeed`, ends.flatMap((last) => (last?.__typename === "JobSucceededEvent" ? [] : [last?.failure?.message ?? last?.__typename ?? "no events"])))
      ]
    }
    try {
      const figures = [
        ...(await withoutIt({ name: "database", cause: "The database", unplug: () => proxy.set("down"), plugIn: () => proxy.set("none") })),
        ...(await withoutIt({ name: "bucket", cause: "The store", unplug: () => s3.fail(() => ({ _tag: "Reset" })), plugIn: () => s3.fail(() => undefined) }))
      ]
      const { errorReport } = await app.query<{ errorReport: { readonly unhandled: number } }>("{ errorReport { unhandled } }")
      return [...figures, atMost("failures that nobody had thought of", errorReport.unhandled, 0)]
    } finally {
      await cluster.close()
      await source.close()
      await s3.close()
      await proxy.close()
      await postgres.stop()
    }
  }
}
