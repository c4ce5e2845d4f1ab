/** A bucket on a real S3 server (s3rver), behind a proxy that can fail as networks and stores do. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Redacted } from "effect"
import type { S3BlobStoreSettings } from "../../src/storage/s3/s3BlobStore.ts"

/** What happens to a request: passed on, answered so, never answered, or its answer cut behind so many bytes. */
export type S3Fault =
  | { readonly _tag: "Answer"; readonly status: number; readonly body?: string }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Silence" }
  | { readonly _tag: "CutAnswer"; readonly bytes: number }
  | { readonly _tag: "LoseAnswer" }

/** Decides for each request; undefined passes it on. */
export type FaultPlan = (request: { readonly method: string; readonly url: string }) => S3Fault | undefined

export const slowDown: S3Fault = { _tag: "Answer", status: 503, body: "<Error><Code>SlowDown</Code></Error>" }

export const startS3Server = async () => {
  const directory = await mkdtemp(join(tmpdir(), "playhead-s3-"))
  const s3 = fork(fileURLToPath(new URL("s3rverProcess.ts", import.meta.url)), [directory], { execArgv: ["--openssl-legacy-provider"] })
  const [s3Port] = (await once(s3, "message")) as [number]
  let plan: FaultPlan = () => undefined
  const requests: Array<string> = []

  const passOn = (request: IncomingMessage, response: ServerResponse, fault: S3Fault | undefined) => {
    const onward = httpRequest({ host: "127.0.0.1", port: s3Port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      if (fault?._tag === "LoseAnswer") return void response.socket?.destroy()
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders)
      if (fault?._tag !== "CutAnswer") return void answer.pipe(response)
      let left = fault.bytes
      answer.on("data", (chunk: Buffer) => {
        response.write(chunk.subarray(0, Math.max(left, 0)))
        left -= chunk.length
        // What was written is to arrive first.
        if (left <= 0) setTimeout(() => response.socket?.destroy(), 20)
      })
    })
    onward.on("error", () => response.socket?.destroy())
    request.pipe(onward)
  }
  const proxy = createServer((request, response) => {
    const { method = "", url = "" } = request
    requests.push(`${method} ${url}`)
    const fault = plan({ method, url })
    if (fault?._tag === "Reset") return void request.socket.resetAndDestroy()
    if (fault?._tag === "Silence") return void request.resume()
    if (fault?._tag !== "Answer") return passOn(request, response, fault)
    request.resume()
    return void request.once("end", () => response.writeHead(fault.status, { "content-type": "application/xml" }).end(method === "HEAD" ? undefined : fault.body))
  })
  proxy.listen(0, "127.0.0.1")
  await once(proxy, "listening")
  const { port } = proxy.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  const settings: S3BlobStoreSettings = {
    endpoint,
    publicEndpoint: undefined,
    region: "us-east-1",
    bucket: "playhead",
    accessKeyId: "S3RVER",
    secretAccessKey: Redacted.make("S3RVER"),
    prefix: "",
    timeoutMs: 5_000
  }
  return {
    endpoint,
    settings,
    /** Method, path and query of each, in order. */
    requests,
    /** From now on. */
    fail: (next: FaultPlan) => {
      plan = next
    },
    close: async () => {
      proxy.closeAllConnections()
      proxy.close()
      s3.disconnect()
      await once(s3, "exit")
      await rm(directory, { recursive: true, force: true })
    }
  }
}

export type S3Server = Awaited<ReturnType<typeof startS3Server>>
