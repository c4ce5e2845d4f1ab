import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { truncate } from "node:fs/promises"
import http, { type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { describe, expect, it } from "@effect/vitest"
import { Effect, FiberSet, type Scope } from "effect"
import { contentDisposition } from "../../../../src/http/media/contentDisposition.ts"
import { type MediaFile, sendFile } from "../../../../src/http/media/sendFile.ts"
import { BlobStore } from "../../../../src/storage/BlobStore.ts"
import { localBlobStore } from "../../../../src/storage/localBlobStore.ts"
import { putBytes } from "../../../support/blobStoreContract.ts"
import { openFilesIn } from "../../../support/openFiles.ts"
import { temporaryDirectory } from "../../../support/temporaryDirectory.ts"

const createdAt = new Date("2030-01-01T12:00:00.500Z")
const lastModified = "Tue, 01 Jan 2030 12:00:00 GMT"

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

interface MediaServer {
  readonly directory: string
  readonly url: string
  readonly file: MediaFile
  readonly path: string
  readonly get: (headers?: http.OutgoingHttpHeaders, method?: string) => Effect.Effect<Answer>
  /** Answers that are being sent. */
  readonly sending: () => number
}

/** A server that answers every request with the same stored bytes. */
const serving = (content: Uint8Array): Effect.Effect<MediaServer, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const layer = localBlobStore({ directory })
    const { sha256 } = yield* putBytes(content).pipe(Effect.provide(layer))
    const file: MediaFile = {
      sha256,
      sizeBytes: content.length,
      mediaType: "audio/mpeg",
      disposition: contentDisposition("inline", "песня.mp3"),
      createdAt
    }
    const store = yield* BlobStore.pipe(Effect.provide(layer))
    const run = yield* FiberSet.makeRuntime<never>()
    let sending = 0
    const server = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const listening = http.createServer((request, response) => {
          sending += 1
          run(
            sendFile(request, response, file).pipe(
              Effect.provideService(BlobStore, store),
              Effect.catch(() => Effect.sync(() => response.writeHead(500).end())),
              Effect.ensuring(Effect.sync(() => (sending -= 1)))
            )
          )
        })
        await new Promise<void>((resolve) => void listening.listen(0, "127.0.0.1", resolve))
        return listening
      }),
      (listening) =>
        Effect.sync(() => {
          listening.close()
          listening.closeAllConnections()
        })
    )
    const { port } = server.address() as AddressInfo
    const get = (headers: http.OutgoingHttpHeaders = {}, method = "GET") =>
      Effect.promise(async (): Promise<Answer> => {
        const request = http.request({ host: "127.0.0.1", port, path: "/", method, headers, agent: false }).end()
        const [response] = (await once(request, "response")) as [IncomingMessage]
        return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
      })
    return {
      directory,
      url: `http://127.0.0.1:${port}/`,
      file,
      path: join(directory, sha256.slice(0, 2), sha256.slice(2, 4), sha256),
      get,
      sending: () => sending
    }
  })

const song = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 13) & 255))
/** More than what sockets take in, so that sending it waits for the reader. */
const film = Buffer.alloc(60_000_000, 7)

const settled = (server: MediaServer) =>
  Effect.gen(function* () {
    const open = yield* Effect.promise(() => openFilesIn(server.directory)).pipe(
      Effect.delay(10),
      Effect.repeat({ until: (paths) => paths.length === 0 && server.sending() === 0, times: 500 })
    )
    expect(open).toEqual([])
    expect(server.sending()).toBe(0)
  })

describe("a stored file", () => {
  it.live("is sent whole, under its name, as what it is and nothing that a browser would run", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      const { status, headers, body } = yield* server.get()
      expect(status).toBe(200)
      expect(body.equals(song)).toBe(true)
      expect(headers).toMatchObject({
        "content-type": "audio/mpeg",
        "content-length": "1000000",
        "content-disposition": "inline; filename=file.mp3; filename*=UTF-8''%D0%BF%D0%B5%D1%81%D0%BD%D1%8F.mp3",
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "last-modified": lastModified,
        etag: `"${server.file.sha256}"`
      })
      expect(headers["content-security-policy"]).toContain("sandbox")
    })
  )

  it.live("is sent in parts", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      for (const [range, start, end] of [
        ["0-0", 0, 0],
        ["100-199", 100, 199],
        ["999000-", 999_000, 999_999],
        ["-500", 999_500, 999_999],
        ["65530-999999999", 65_530, 999_999]
      ] as const) {
        const { status, headers, body } = yield* server.get({ range: `bytes=${range}` })
        expect(status).toBe(206)
        expect(headers["content-range"]).toBe(`bytes ${start}-${end}/1000000`)
        expect(headers["content-length"]).toBe(String(end - start + 1))
        expect(body.equals(song.subarray(start, end + 1))).toBe(true)
      }
    })
  )

  it.live("cannot be sent from behind its end", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      const { status, headers, body } = yield* server.get({ range: "bytes=1000000-" })
      expect([status, headers["content-range"], body.length]).toEqual([416, "bytes */1000000", 0])
    })
  )

  it.live.each(["bytes=0-1,5-6", "bytes=9-1", "nonsense"])("is sent whole for a range of %s", (range) =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      const { status, headers, body } = yield* server.get({ range })
      expect([status, headers["content-range"], body.length]).toEqual([200, undefined, song.length])
    })
  )

  it.live("is not sent again to who has it", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      for (const headers of [{ "if-none-match": `"${server.file.sha256}"` }, { "if-modified-since": lastModified }]) {
        const answer = yield* server.get({ ...headers, range: "bytes=0-9" })
        expect([answer.status, answer.body.length, answer.headers.etag]).toEqual([304, 0, `"${server.file.sha256}"`])
      }
    })
  )

  it.live("is continued only for who has the beginning of the same file", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      expect((yield* server.get({ range: "bytes=9-", "if-range": `"${server.file.sha256}"` })).status).toBe(206)
      expect((yield* server.get({ range: "bytes=9-", "if-range": '"another"' })).status).toBe(200)
    })
  )

  it.live("is described without being sent, in whole whatever part is asked for", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      const { status, headers, body } = yield* server.get({ range: "bytes=0-9" }, "HEAD")
      expect([status, headers["content-length"], headers["content-range"], body.length]).toEqual([
        200,
        "1000000",
        undefined,
        0
      ])
      yield* settled(server)
    })
  )

  it.live("may be empty", () =>
    Effect.gen(function* () {
      const server = yield* serving(new Uint8Array())
      const { status, headers, body } = yield* server.get()
      expect([status, headers["content-length"], body.length]).toEqual([200, "0", 0])
    })
  )
})

describe("sending a file", () => {
  it.live("ends when the client goes away in the middle, and leaves nothing open", () =>
    Effect.gen(function* () {
      const server = yield* serving(film)
      const clients = yield* Effect.forEach(
        Array.from({ length: 5 }),
        () =>
          Effect.promise(async () => {
            const request = http.get(server.url, { agent: false })
            request.on("error", () => {})
            const [response] = (await once(request, "response")) as [IncomingMessage]
            await once(response, "data")
            response.pause()
            return request
          }),
        { concurrency: "unbounded" }
      )
      expect(server.sending()).toBe(5)
      expect(yield* Effect.promise(() => openFilesIn(server.directory))).toHaveLength(5)
      for (const client of clients) client.destroy()
      yield* settled(server)
    })
  )

  it.live.skipIf(spawnSync("curl", ["--version"]).error)("ends when curl is cut off", () =>
    Effect.gen(function* () {
      const server = yield* serving(film)
      const curl = spawn("curl", ["--silent", "--no-buffer", "--limit-rate", "100k", server.url], {
        stdio: ["ignore", "pipe", "ignore"]
      })
      yield* Effect.promise(() => once(curl.stdout, "data"))
      expect(server.sending()).toBe(1)
      curl.kill("SIGKILL")
      yield* settled(server)
    })
  )

  it.live("waits for a slow client instead of reading ahead", () =>
    Effect.gen(function* () {
      const server = yield* serving(film)
      const before = process.memoryUsage().arrayBuffers
      const request = http.get(server.url, { agent: false })
      request.on("error", () => {})
      const [response] = (yield* Effect.promise(() => once(request, "response"))) as [IncomingMessage]
      response.pause()
      yield* Effect.sleep(500)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(film.length / 3)
      expect(server.sending()).toBe(1)
      request.destroy()
      yield* settled(server)
    })
  )

  it.live("breaks the connection when the stored bytes are fewer than they should be", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      yield* Effect.promise(() => truncate(server.path, 500_000))
      const received = yield* Effect.promise(async () => {
        const request = http.get(server.url, { agent: false })
        const [response] = (await once(request, "response")) as [IncomingMessage]
        return buffer(response).then(
          () => "whole",
          () => "broken"
        )
      })
      expect(received).toBe("broken")
      yield* settled(server)
    })
  )

  it.live("fails before anything is sent when the bytes are gone", () =>
    Effect.gen(function* () {
      const server = yield* serving(song)
      yield* BlobStore.use((store) => store.remove(server.file.sha256)).pipe(
        Effect.provide(localBlobStore({ directory: server.directory }))
      )
      expect((yield* server.get()).status).toBe(500)
    })
  )
})
