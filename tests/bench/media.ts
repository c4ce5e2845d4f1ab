/**
 * How fast Playhead sends a stored file, whole and in ranges, against the least that Node.js can do with the same file:
 * `node:http` and a pipeline from `createReadStream`.
 *
 *     node tests/bench/media.ts [--rounds 7] [--postgres]
 *
 * Playhead, the bare server and the client are a process each; the servers take turns, so that other load on the machine
 * meets both alike.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { createReadStream } from "node:fs"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { pipeline } from "node:stream"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { clientOf, submitImport } from "../support/app.ts"
import { encoded, songA } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { file, startSourceServer } from "../support/sourceServer.ts"
import { median, spread, surroundings } from "./support/figures.ts"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"

interface Case {
  readonly name: string
  /** Null asks for the whole file. */
  readonly partBytes: number | null
  readonly requests: number
  readonly clients: number
}

const cases: ReadonlyArray<Case> = [
  { name: "whole, one client", partBytes: null, requests: 2, clients: 1 },
  { name: "whole, 8 clients", partBytes: null, requests: 8, clients: 8 },
  { name: "ranges of 8 MB, 8 clients", partBytes: 8_000_000, requests: 32, clients: 8 },
  { name: "ranges of 1 MB, 8 clients", partBytes: 1_000_000, requests: 160, clients: 8 },
  { name: "ranges of 64 KB, 8 clients", partBytes: 65_536, requests: 400, clients: 8 }
]

interface Order extends Case {
  readonly url: string
  readonly sizeBytes: number
}

/** Fetches as often as it is told, from places all over the file, and answers with the seconds that it took. */
const beClient = (): void => {
  const fetchOnce = async (agent: http.Agent, url: string, range: string | undefined): Promise<number> => {
    const [response] = (await once(http.get(url, { agent, headers: range === undefined ? {} : { range } }), "response")) as [http.IncomingMessage]
    if (response.statusCode !== (range === undefined ? 200 : 206)) throw new Error(`${url} answers ${response.statusCode}`)
    let received = 0
    response.on("data", (chunk: Buffer) => (received += chunk.length))
    await once(response, "end")
    return received
  }
  const take = async ({ clients, partBytes, requests, sizeBytes, url }: Order) => {
    // Of this turn alone: in the other server's turn an idle connection would be closed.
    const agent = new http.Agent({ keepAlive: true })
    const begun = performance.now()
    const share = async (client: number) => {
      for (let request = client; request < requests; request += clients) {
        const start = partBytes === null ? 0 : (request * 7_919_000) % (sizeBytes - partBytes)
        const received = await fetchOnce(agent, url, partBytes === null ? undefined : `bytes=${start}-${start + partBytes - 1}`)
        if (received !== (partBytes ?? sizeBytes)) throw new Error(`${received} bytes came`)
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, client) => share(client)))
    process.send?.((performance.now() - begun) / 1000)
    agent.destroy()
  }
  process.on("message", (order: Order) => void take(order))
}

/** Sends one file, or the part of it that a well-formed Range asks for, and knows of nothing else. */
const beBareServer = (path: string, sizeBytes: number): void => {
  const server = http.createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []
    const [start, end] = first === undefined ? [0, sizeBytes - 1] : [Number(first), Number(last)]
    response.writeHead(first === undefined ? 200 : 206, {
      "content-type": "audio/wav",
      "content-length": end - start + 1,
      ...(first !== undefined && { "content-range": `bytes ${start}-${end}/${sizeBytes}` })
    })
    pipeline(createReadStream(path, { start, end }), response, () => {})
  })
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
}

const measure = async (): Promise<void> => {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, postgres: { type: "boolean", default: false } } })
  const tenMinutes = await encoded("ten-minutes.wav", ["-stream_loop", "-1", "-i", songA, "-t", "600", "-ar", "44100", "-ac", "2"])
  const source = await startSourceServer({ "/10.wav": file(tenMinutes) })
  const postgres = values.postgres ? await startPostgres({ fsync: true }) : undefined
  const here = fileURLToPath(import.meta.url)
  console.log(`${surroundings()}, ${postgres === undefined ? "PGlite" : "PostgreSQL"}`)
  await withDataDirectory(async (dataDir) => {
    const server = await startServer(dataDir, { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, DATABASE_URL: postgres?.url })
    const app = clientOf(server.url)
    const { job, track } = await submitImport(app, { source: { url: source.url("/10.wav") } })
    for await (const _ of app.subscribe("subscription($id: ID!) { jobEvents(jobId: $id) { __typename } }", { id: job?.id })) continue
    const imported = await app.query<{ track: { contentHash: string; sizeBytes: number; artifacts: ReadonlyArray<{ role: string; url: string }> } }>(
      "query($id: ID!) { track(id: $id) { contentHash sizeBytes artifacts { role url } } }",
      { id: track?.id }
    )
    const { artifacts, contentHash, sizeBytes } = imported.track
    const ours = new URL(artifacts.find(({ role }) => role === "ORIGINAL")?.url ?? "", server.url).href

    const bare = fork(here, ["bare", join(dataDir, "blobs", contentHash.slice(0, 2), contentHash.slice(2, 4), contentHash), String(sizeBytes)])
    const [port] = (await once(bare, "message")) as [number]
    const client = fork(here, ["client"])
    client.once("exit", (code) => { if (code !== null) throw new Error("the client failed") })
    const megabytesPerSecond = async (url: string, { clients, name, partBytes, requests }: Case) => {
      const done = once(client, "message")
      client.send({ clients, name, partBytes, requests, url, sizeBytes } satisfies Order)
      const [seconds] = (await done) as [number]
      return ((partBytes ?? sizeBytes) * requests) / 1e6 / seconds
    }
    console.log(`A WAV file of ${(sizeBytes / 1e6).toFixed(0)} MB; MB/s, median (least – most) of ${values.rounds} rounds; the ratio of each round's two\n`)
    console.log("| | Playhead | bare | ratio |\n|---|---|---|---|")
    for (const asked of cases) {
      const rates: ReadonlyArray<Array<number>> = [[], []]
      for (let round = 0; round <= Number(values.rounds); round++) {
        for (const [which, url] of [ours, `http://127.0.0.1:${port}/`].entries()) {
          const rate = await megabytesPerSecond(url, asked)
          // The first round warms up.
          if (round > 0) rates[which]?.push(rate)
        }
      }
      const [our = [], their = []] = rates
      console.log(`| ${asked.name} | ${spread(our)} | ${spread(their)} | ${median(our.map((rate, round) => rate / (their[round] ?? Number.NaN))).toFixed(2)} |`)
    }
    client.kill()
    bare.kill()
    await server.stop()
  })
  await postgres?.stop()
  await source.close()
}

const [role, path = "", sizeBytes] = process.argv.slice(2)
if (role === "client") beClient()
else if (role === "bare") beBareServer(path, Number(sizeBytes))
else await measure()
