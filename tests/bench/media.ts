/**
 * How fast stored files are sent, against the least that Node.js can do: `createReadStream(path).pipe(response)`.
 *
 *     node tests/bench/media.ts
 *
 * The client is a process of its own; the two servers take turns, so that other load on the machine meets both alike.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { createReadStream } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, ManagedRuntime } from "effect"
import { sendFile } from "../../src/http/media/sendFile.ts"
import { BlobStore } from "../../src/storage/BlobStore.ts"
import { localBlobStore } from "../../src/storage/localBlobStore.ts"

const rounds = 7
const cases = [
  { name: "100 MB, one client", sizeBytes: 100_000_000, requests: 1, clients: 1 },
  { name: "24 MB (10 min of MP3), 8 clients", sizeBytes: 24_000_000, requests: 8, clients: 8 },
  { name: "64 KB (a part), 8 clients", sizeBytes: 65_536, requests: 400, clients: 8 }
]

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

interface Order {
  readonly port: number
  readonly requests: number
  readonly clients: number
}

/** In the client's process: fetches as often as it is told and answers with the seconds that it took. */
const beClient = (): void => {
  const agent = new http.Agent({ keepAlive: true })
  const fetchOnce = async (port: number): Promise<void> => {
    const [response] = (await once(http.get({ host: "127.0.0.1", port, agent }), "response")) as [http.IncomingMessage]
    await once(response.resume(), "end")
  }
  process.on("message", ({ port, requests, clients }: Order) => {
    const begun = performance.now()
    const share = async () => {
      for (let request = 0; request < requests / clients; request++) await fetchOnce(port)
    }
    void Promise.all(Array.from({ length: clients }, share)).then(() =>
      process.send?.((performance.now() - begun) / 1000)
    )
  })
}

const listen = async (listener: http.RequestListener): Promise<{ port: number; server: http.Server }> => {
  const server = http.createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  return { port: (server.address() as AddressInfo).port, server }
}

const measure = async (): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), "playhead-bench-"))
  const runtime = ManagedRuntime.make(localBlobStore({ directory: join(directory, "blobs") }))
  const client = fork(fileURLToPath(import.meta.url), ["client"])
  console.log(`Node.js ${process.version}, median of ${rounds} rounds\n`)
  console.log("| file | sendFile MB/s | bare MB/s | ratio |\n|---|---|---|---|")
  for (const [index, { name, sizeBytes, requests, clients }] of cases.entries()) {
    const sha256 = String(index).repeat(64)
    const path = join(directory, "file")
    await writeFile(path, Buffer.alloc(sizeBytes, index))
    await runtime.runPromise(BlobStore.use((store) => store.put(path, sha256)))
    const stored = join(directory, "blobs", sha256.slice(0, 2), sha256.slice(2, 4), sha256)
    const file = { sha256, sizeBytes, mediaType: "audio/mpeg", disposition: "inline", createdAt: new Date(0) }
    const ours = await listen(
      (request, response) => void runtime.runFork(Effect.orDie(sendFile(request, response, file)))
    )
    const bare = await listen((_request, response) => {
      response.writeHead(200, { "content-type": "audio/mpeg", "content-length": sizeBytes })
      createReadStream(stored).pipe(response)
    })
    const seconds: Record<"ours" | "bare", Array<number>> = { ours: [], bare: [] }
    for (let round = 0; round <= rounds; round++) {
      for (const [which, { port }] of [
        ["ours", ours],
        ["bare", bare]
      ] as const) {
        const done = once(client, "message")
        client.send({ port, requests, clients } satisfies Order)
        const [taken] = (await done) as [number]
        // The first round warms up.
        if (round > 0) seconds[which].push(taken)
      }
    }
    const [ourRate, bareRate] = [seconds.ours, seconds.bare].map(
      (taken) => (sizeBytes * requests) / 1e6 / median(taken)
    ) as [number, number]
    console.log(`| ${name} | ${ourRate.toFixed(0)} | ${bareRate.toFixed(0)} | ${(ourRate / bareRate).toFixed(2)} |`)
    for (const { server } of [ours, bare]) server.closeAllConnections()
    for (const { server } of [ours, bare]) server.close()
  }
  client.kill()
  await runtime.dispose()
  await rm(directory, { recursive: true })
}

if (process.argv[2] === "client") beClient()
else await measure()
