/**
 * A file of 1 GB by tus, as a browser's client sends it: how fast, and how much memory the server takes for it.
 *
 *     node tests/bench/upload.ts
 */
import { createReadStream } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { randomFillSync } from "node:crypto"
import { Upload } from "tus-js-client"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"

const sizeBytes = 1024 ** 3
const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0)

const writeNoise = async (path: string): Promise<void> => {
  const piece = Buffer.alloc(16 * 1024 ** 2)
  const file = await open(path, "w")
  for (let written = 0; written < sizeBytes; written += piece.length) await file.write(randomFillSync(piece))
  await file.close()
}

await withDataDirectory(async (dataDir) => {
  const path = join(dataDir, "noise")
  await writeNoise(path)
  const server = await startServer(join(dataDir, "server"), { MAX_UPLOAD_MB: "2000" })
  const send = (length: number) =>
    new Promise<void>((resolve, reject) => {
      new Upload(createReadStream(path, { end: length - 1 }), { endpoint: `${server.url}/uploads`, chunkSize: 64 * 1024 ** 2, onError: reject, onSuccess: () => resolve() }).start()
    })
  // What only the first request takes: compiled code, pools, buffers.
  await send(64 * 1024 ** 2)
  const before = await server.residentBytes()
  let most = before
  const meter = setInterval(() => void server.residentBytes().then((now) => (most = Math.max(most, now))), 50)
  const begun = performance.now()
  await send(sizeBytes)
  const seconds = (performance.now() - begun) / 1000
  clearInterval(meter)
  console.log(`1 GB in ${seconds.toFixed(1)} s (${(1024 / seconds).toFixed(0)} MB/s); the server's memory was ${megabytes(before)} MB before and at most ${megabytes(most)} MB meanwhile`)
  await server.stop()
})
