/**
 * The import of a long MP3 from a local server, beside one bare `ffmpeg` decode of the same file: wall time (the two take
 * turns), what each stage takes, and the server's memory against the length of the file.
 *
 *     node tests/bench/import.ts [--rounds 7] [--postgres]
 */
import { execFileSync } from "node:child_process"
import { parseArgs } from "node:util"
import { clientOf, submitImport } from "../support/app.ts"
import { bundledFFmpeg, encoded, endlessSong, songA, songB } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { file, startSourceServer } from "../support/sourceServer.ts"
import { median, spread, surroundings } from "./support/figures.ts"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, postgres: { type: "boolean", default: false } } })

interface Stage {
  readonly name: string
  readonly startedAt: string
  readonly finishedAt: string
}

/** Two songs in turn for ten minutes, as a stereo MP3 of 192 kbit/s. */
const tenMinutes = async () =>
  encoded("ten-minutes.mp3", ["-stream_loop", "9", "-i", songA, "-stream_loop", "9", "-i", songB, "-filter_complex", "[0:a][1:a]concat=n=2:v=0:a=1,aformat=sample_rates=44100:channel_layouts=stereo", "-t", "600", "-b:a", "192k"])

const decode = (path: string): number => {
  const begun = performance.now()
  execFileSync(bundledFFmpeg, ["-v", "error", "-nostdin", "-i", path, "-f", "null", "-"])
  return performance.now() - begun
}

const importOnce = async (url: string, source: string) => {
  const app = clientOf(url)
  const begun = performance.now()
  const { job } = await submitImport(app, { source: { url: source }, allowDuplicate: true })
  const id = job?.id ?? ""
  let last = ""
  for await (const event of app.subscribe<{ __typename: string }>("subscription($id: ID!) { jobEvents(jobId: $id) { __typename } }", { id })) last = event.__typename
  const tookMs = performance.now() - begun
  if (last !== "JobSucceededEvent") throw new Error(`the import ended with ${last}`)
  const answer = await app.query<{ job: { stages: ReadonlyArray<Stage> } }>("query($id: ID!) { job(id: $id) { stages { name startedAt finishedAt } } }", { id })
  const stages = answer.job.stages.map(({ finishedAt, name, startedAt }) => ({ name, ms: Date.parse(finishedAt) - Date.parse(startedAt) }))
  return { tookMs, stages }
}

const short = await tenMinutes()
const long = await endlessSong("sixty-minutes.mp3", 3600)
const source = await startSourceServer({ "/10.mp3": file(short), "/60.mp3": file(long) })
const postgres = values.postgres ? await startPostgres({ fsync: true }) : undefined
const environment = { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, DATABASE_URL: postgres?.url }
console.log(`${surroundings()}, ${postgres === undefined ? "PGlite" : "PostgreSQL"}`)

await withDataDirectory(async (dataDir) => {
  const server = await startServer(dataDir, environment)
  decode(short)
  await importOnce(server.url, source.url("/10.mp3"))
  const decodes: Array<number> = []
  const imports: Array<Awaited<ReturnType<typeof importOnce>>> = []
  for (let round = 0; round < Number(values.rounds); round++) {
    decodes.push(decode(short))
    imports.push(await importOnce(server.url, source.url("/10.mp3")))
  }
  await server.stop()
  const took = imports.map(({ tookMs }) => tookMs)
  console.log(`\n10 minutes of MP3, ${values.rounds} rounds: median (least – most)`)
  console.table({
    "bare decode, ms": spread(decodes),
    "whole import, ms": spread(took),
    "import / decode": spread(took.map((ms, round) => ms / (decodes[round] ?? Number.NaN)), 2)
  })
  const names = imports[0]?.stages.map(({ name }) => name) ?? []
  console.table(Object.fromEntries(names.map((name, at) => [name, `${median(imports.map(({ stages }) => stages[at]?.ms ?? 0))} ms`])))
})

const peaks: Array<number> = []
for (const path of ["/10.mp3", "/60.mp3"]) {
  await withDataDirectory(async (dataDir) => {
    const server = await startServer(dataDir, environment)
    await importOnce(server.url, source.url(path))
    peaks.push(await server.peakResidentBytes())
    await server.stop()
  })
}
const [ofShort = 0, ofLong = 0] = peaks.map((bytes) => bytes / 1024 / 1024)
console.log("\nThe server's peak resident memory, a new server each")
console.table({ "10 minutes, MB": ofShort.toFixed(0), "60 minutes, MB": ofLong.toFixed(0), "growth, %": (100 * (ofLong / ofShort - 1)).toFixed(1) })

await postgres?.stop()
await source.close()
