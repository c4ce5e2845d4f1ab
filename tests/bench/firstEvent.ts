/**
 * How soon a client hears of its job: from the answer of `trackImport` to the first event of a `jobEvents` that it opens
 * then, over a socket that stands already and over a new one.
 *
 *     node tests/bench/firstEvent.ts [--rounds 100]
 */
import { parseArgs } from "node:util"
import { createClient } from "graphql-ws"
import { WebSocket } from "ws"
import { clientOf, submitImport } from "../support/app.ts"
import { song } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { file, startSourceServer } from "../support/sourceServer.ts"
import { percentile, surroundings } from "./support/figures.ts"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "100" } } })
const rounds = Number(values.rounds)
const postgres = await startPostgres({ fsync: true })
const source = await startSourceServer({ "/song.mp3": file(await song("short.mp3")) })
console.log(`${surroundings()}, PostgreSQL`)

const socketTo = (url: string) => {
  const client = createClient({ url: `${url.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 })
  const opened = new Promise<void>((resolve) => { client.on("connected", () => resolve()) })
  return { client, opened }
}

await withDataDirectory(async (dataDir) => {
  const server = await startServer(dataDir, { DATABASE_URL: postgres.url, PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
  const app = clientOf(server.url)
  const standing = socketTo(server.url)
  await standing.opened

  const measure = async (over: "standing" | "new") => {
    const answer = await submitImport(app, { source: { url: source.url("/song.mp3") }, allowDuplicate: true })
    const answered = performance.now()
    const { client } = over === "standing" ? standing : socketTo(server.url)
    let firstMs = Number.NaN
    for await (const _event of client.iterate({ query: "subscription($id: ID!) { jobEvents(jobId: $id) { sequence } }", variables: { id: answer.job?.id } })) {
      if (Number.isNaN(firstMs)) firstMs = performance.now() - answered
    }
    if (client !== standing.client) await client.dispose()
    return firstMs
  }

  const figures: Record<string, object> = {}
  for (const over of ["standing", "new"] as const) {
    for (let round = 0; round < 5; round++) await measure(over)
    const times: Array<number> = []
    for (let round = 0; round < rounds; round++) times.push(await measure(over))
    figures[`over a ${over} socket`] = Object.fromEntries([50, 90, 99].map((percent) => [`p${percent}, ms`, percentile(times, percent).toFixed(1)]))
  }
  console.log(`\nFrom the answer of trackImport to the first event, ${rounds} rounds each`)
  console.table(figures)
  await standing.client.dispose()
  await server.stop()
})
await source.close()
await postgres.stop()
