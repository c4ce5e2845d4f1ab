/**
 * What it costs to send traces and metrics to a collector, in processor time of the server's process (user and system,
 * without its ffmpeg): for a query of a page of tracks, and for the import of a second of music. Of two servers on
 * PostgreSQL one sends; within a round they take many short turns, so that whatever else the machine does concerns both.
 * The collector answers 200.
 *
 *     node tests/bench/tracing.ts [--rounds 7] [--queries 2000] [--imports 60]
 */
import http from "node:http"
import type { AddressInfo } from "node:net"
import { parseArgs } from "node:util"
import pg from "pg"
import { clientOf, submitImport } from "../support/app.ts"
import { bundledFFmpeg, encoded, songA } from "../support/audio.ts"
import { databaseUrl, startPostgres } from "../support/postgresServer.ts"
import { file, startSourceServer } from "../support/sourceServer.ts"
import { cpuMsOf, median, spread, surroundings } from "./support/figures.ts"
import { type ServerProcess, startServer, withDataDirectory } from "./support/serverProcess.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, queries: { type: "string", default: "2000" }, imports: { type: "string", default: "60" } }
})
const [rounds, queries, imports] = [Number(values.rounds), Number(values.queries), Number(values.imports)]
const pageSize = 20
/** Of each server in a round. */
const turns = 20
/** Spans are sent every few seconds: what was made in a round is to be sent in it. */
const settlingMs = 6_000

let received = 0
const collector = http.createServer((request, response) => {
  received++
  request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"))
})
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve))
const collectorUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
const source = await startSourceServer({ "/song.wav": file(await encoded("one-second.wav", ["-t", "1", "-i", songA]), "audio/wav") })
const postgres = await startPostgres({ fsync: false })
const newDatabase = async (name: string): Promise<string> => {
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return databaseUrl(postgres.url, name)
}

type Work = (url: string, count: number) => Promise<void>
const importSome: Work = async (url, count) => {
  const app = clientOf(url)
  await Promise.all(Array.from({ length: count }, async () => {
    const { job } = await submitImport(app, { source: { url: source.url("/song.wav") }, allowDuplicate: true })
    const events = await Array.fromAsync(app.subscribe<{ __typename: string }>("subscription($id: ID!) { jobEvents(jobId: $id) { __typename } }", { id: job?.id }))
    if (events.at(-1)?.__typename !== "JobSucceededEvent") throw new Error("an import failed")
  }))
}
const askPages: Work = async (url, count) => {
  const app = clientOf(url)
  for (let n = 0; n < count; n++) await app.query(`{ tracks(first: ${pageSize}) { edges { node { id title artist status durationMs artifacts { id role } } } } }`)
}

await withDataDirectory((offDirectory) => withDataDirectory(async (onDirectory) => {
  const environment = { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, FFMPEG_PATH: bundledFFmpeg, PLAYHEAD_AUTH: "none" }
  const start = async (dataDir: string, name: string, more: Readonly<Record<string, string>>) => startServer(dataDir, { ...environment, DATABASE_URL: await newDatabase(name), ...more })
  const off = await start(offDirectory, "tracing_off", {})
  const on = await start(onDirectory, "tracing_on", { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl })
  console.log(surroundings())
  const servers: ReadonlyArray<ServerProcess> = [off, on]
  const compare = async (what: string, work: Work, count: number) => {
    const used = servers.map((): Array<number> => [])
    // The first round is there to have everything compiled.
    for (let round = -1; round < rounds; round++) {
      const before = await Promise.all(servers.map(({ pid }) => cpuMsOf(pid)))
      for (let turn = 0; turn < turns; turn++) {
        for (const { url } of turn % 2 === 0 ? servers : servers.toReversed()) await work(url, count / turns)
      }
      await new Promise((resolve) => setTimeout(resolve, settlingMs))
      const after = await Promise.all(servers.map(({ pid }) => cpuMsOf(pid)))
      if (round >= 0) for (const [index, times] of used.entries()) times.push(((after[index] ?? 0) - (before[index] ?? 0)) / count)
    }
    const [without = [], sending = []] = used
    const added = sending.map((ms, round) => ms - (without[round] ?? Number.NaN))
    return { "": what, "off, ms": spread(without, 2), "on, ms": spread(sending, 2), "added, ms": spread(added, 2), "added, %": ((100 * median(added)) / median(without)).toFixed(0) }
  }
  const imported = await compare("an import", importSome, imports)
  const asked = await compare(`a page of ${pageSize} tracks`, askPages, queries)
  console.table([asked, imported])
  console.log(`The collector got ${received} requests.`)
  await Promise.all([off.stop(), on.stop()])
}))
collector.close()
await source.close()
await postgres.stop()
