import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import net from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { parseAllowedSource } from "../../../../src/providers/outbound/AddressPolicy.ts"
import { type DialTarget, type Dialer, type Resolver, systemDialer } from "../../../../src/providers/outbound/dial.ts"
import { type DownloadOptions, OutboundHttp } from "../../../../src/providers/outbound/OutboundHttp.ts"
import { temporaryDirectory } from "../../../support/temporaryDirectory.ts"
import * as source from "../../../support/sourceServer.ts"

const megabyte = 1_000_000

/** A client that may reach the given hosts, and notes whom it would dial. Whatever it is told, it dials loopback only. */
const client = (options: { readonly allowed?: ReadonlyArray<string>; readonly resolve?: Resolver } = {}) => {
  const dialled: Array<DialTarget> = []
  const dial: Dialer = (target) => {
    dialled.push(target)
    if (!target.addresses.every((address) => address === "127.0.0.1"))
      throw new Error(`a test dialled ${target.addresses.join()}`)
    return systemDialer(target)
  }
  const layer = OutboundHttp.layer({
    allowedSources: (options.allowed ?? []).map((entry) => Result.getOrThrow(parseAllowedSource(entry))),
    resolve: options.resolve ?? (() => Promise.reject(new Error("a test resolved a name it did not mean to"))),
    dial
  })
  return { dialled, layer }
}

const limits: DownloadOptions = { maxBytes: 10 * megabyte, timeoutMs: 20_000, idleTimeoutMs: 5_000 }

/** Downloads from a server with this behaviour and returns how that ends, and what is then in the directory. */
const downloading = Effect.fnUntraced(function* (
  behaviour: source.Behaviour,
  options: Partial<DownloadOptions> = {},
  secure = false
) {
  const server = yield* source.sourceServer({ "/song.mp3": behaviour }, { secure })
  const directory = yield* temporaryDirectory
  const exit = yield* OutboundHttp.use((http) =>
    http.download(server.url("/song.mp3"), join(directory, "song"), { ...limits, ...options })
  ).pipe(Effect.provide(client({ allowed: [server.host] }).layer), Effect.exit)
  return { exit, server, files: yield* Effect.promise(() => readdir(directory)) }
})

const failing = (behaviour: source.Behaviour, options: Partial<DownloadOptions> = {}, secure = false) =>
  Effect.gen(function* () {
    const { exit, files } = yield* downloading(behaviour, options, secure)
    expect(files).toEqual([])
    return Exit.isFailure(exit) ? yield* Effect.flip(exit) : expect.fail("the download succeeded")
  })

/** Lets virtual time pass, a second at a time, until the fiber has ended; real sockets get a turn in between. */
const untilDone = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.gen(function* () {
    for (let second = 0; second < 600 && fiber.pollUnsafe() === undefined; second++) {
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      yield* TestClock.adjust(1000)
    }
    return yield* Fiber.join(fiber)
  })

describe("a download", () => {
  it.live("stores the bytes as sent, with their hash, and says what the source called them", () =>
    Effect.gen(function* () {
      const content = Buffer.from(Array.from({ length: 3 * megabyte }, (_, index) => (index * 31) & 255))
      const server = yield* source.sourceServer({
        "/x": source.bytes(content, {
          "content-type": "Audio/MPEG; charset=x",
          "content-disposition": "attachment; filename*=UTF-8''..%2F%D0%BF%D0%B5%D1%81%D0%BD%D1%8F.mp3"
        })
      })
      const path = join(yield* temporaryDirectory, "song")
      const progress: Array<readonly [number, number | undefined]> = []
      const result = yield* OutboundHttp.use((http) =>
        http.download(server.url("/x"), path, {
          ...limits,
          onProgress: (received, announced) => Effect.sync(() => void progress.push([received, announced]))
        })
      ).pipe(Effect.provide(client({ allowed: [server.host] }).layer))
      expect(yield* Effect.promise(() => readFile(path))).toEqual(content)
      expect(result).toEqual({
        sizeBytes: content.length,
        sha256: createHash("sha256").update(content).digest("hex"),
        finalUrl: server.url("/x"),
        mediaType: "audio/mpeg",
        filename: "песня.mp3"
      })
      expect(progress.at(-1)).toEqual([content.length, content.length])
      expect(server.requests[0]?.headers).toMatchObject({ "accept-encoding": "identity", host: server.host })
      expect(server.requests[0]?.headers).not.toHaveProperty("cookie")
    })
  )

  it.live("follows a redirect, and names the file after where it ended", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({
        "/a": source.redirectTo("b/La%20Mer.mp3", 308),
        "/b/La%20Mer.mp3": source.bytes("la mer")
      })
      const path = join(yield* temporaryDirectory, "song")
      const result = yield* OutboundHttp.use((http) => http.download(server.url("/a"), path, limits)).pipe(
        Effect.provide(client({ allowed: [server.host] }).layer)
      )
      expect(result).toMatchObject({ finalUrl: server.url("/b/La%20Mer.mp3"), filename: "La Mer.mp3", sizeBytes: 6 })
    })
  )

  it.live("of unannounced length ends with the connection, and knows no total", () =>
    Effect.gen(function* () {
      const { exit } = yield* downloading(source.untilClosed(Buffer.alloc(100_000)))
      expect(exit).toMatchObject({ _tag: "Success", value: { sizeBytes: 100_000 } })
    })
  )

  it.live("of an empty file has no bytes", () =>
    Effect.gen(function* () {
      const { exit } = yield* downloading(source.bytes(""))
      expect(exit).toMatchObject({ _tag: "Success", value: { sizeBytes: 0 } })
    })
  )
})

describe("a download fails, typed and without leaving a file, when the source", () => {
  it.effect("takes the request and says nothing", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(failing(source.stallBeforeHeaders))
      expect(yield* untilDone(fiber)).toMatchObject({ _tag: "TimedOutError", timeoutMs: 5_000, retryable: true })
    })
  )

  it.effect("stalls in mid-body", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(failing(source.stallInBody(100_000, 200_000)))
      expect(yield* untilDone(fiber)).toMatchObject({ _tag: "TimedOutError", timeoutMs: 5_000 })
    })
  )

  it.live("drips a byte now and then, never idle but too slow on the whole", () =>
    Effect.gen(function* () {
      expect(yield* failing(source.drip(20), { timeoutMs: 300, idleTimeoutMs: 200 })).toMatchObject({
        _tag: "TimedOutError",
        timeoutMs: 300
      })
    })
  )

  it.live("resets the connection in mid-body", () =>
    Effect.gen(function* () {
      const failure = yield* failing(source.resetInBody(100_000, 200_000))
      expect(failure).toMatchObject({ _tag: "SourceUnreachableError", retryable: true })
      expect(failure.message).toContain("broke off")
    })
  )

  it.live("ends properly but before the length it announced", () =>
    Effect.gen(function* () {
      expect(yield* failing(source.misannounced(500, 1000))).toMatchObject({
        _tag: "SourceUnreachableError",
        retryable: true
      })
    })
  )

  it.live.each([
    [100, 200],
    [65_536, 65_537],
    [65_472, 200_000],
    [1_000_000, 3_000_000]
  ])("announces %i bytes and sends %i", ([announced, sent]) =>
    Effect.gen(function* () {
      const failure = yield* failing(source.misannounced(sent!, announced!))
      expect(failure._tag).toBe("SourceUnreachableError")
      expect(failure.message).toContain("more than it had announced")
    })
  )

  it.live("sends chunks that are none", () =>
    Effect.gen(function* () {
      expect((yield* failing(source.brokenChunks)).message).toContain("not HTTP")
    })
  )

  it.live("announces more than the limit: before a byte is written", () =>
    Effect.gen(function* () {
      expect(yield* failing(source.bytes(Buffer.alloc(2000)), { maxBytes: 1999 })).toMatchObject({
        _tag: "TooLargeError",
        limitBytes: 1999,
        actualBytes: 2000
      })
    })
  )

  it.live("sends more than the limit without announcing it", () =>
    Effect.gen(function* () {
      const { exit, server, files } = yield* downloading(source.endless, { maxBytes: megabyte })
      expect(exit).toMatchObject({ _tag: "Failure" })
      expect(files).toEqual([])
      expect(yield* Effect.flip(exit)).toMatchObject({ _tag: "TooLargeError", limitBytes: megabyte })
      yield* Effect.promise(server.openConnections).pipe(Effect.repeat({ until: (open) => open === 0, times: 100 }))
    })
  )

  it.live.each([
    [404, false],
    [410, false],
    [403, false],
    [429, true],
    [500, true],
    [206, true],
    [204, true]
  ] as const)("answers with status %i", ([code, retryable]) =>
    Effect.gen(function* () {
      expect(yield* failing(source.status(code))).toMatchObject({
        _tag: "SourceUnreachableError",
        httpStatus: code,
        retryable
      })
    })
  )

  it.effect("is unavailable and says for how long", () =>
    Effect.gen(function* () {
      expect(yield* failing(source.status(503, { "retry-after": "120" }))).toMatchObject({
        httpStatus: 503,
        retryAfterMs: 120_000,
        retryable: true
      })
      // The virtual clock begins at the epoch.
      expect(yield* failing(source.status(503, { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT" }))).toMatchObject({
        retryAfterMs: 90_000
      })
      expect(yield* failing(source.status(503, { "retry-after": "soon" }))).not.toHaveProperty("retryAfterMs")
    })
  )

  it.live("encodes the file although it was asked not to", () =>
    Effect.gen(function* () {
      const failure = yield* failing(source.bytes("x", { "content-encoding": "gzip" }))
      expect(failure._tag).toBe("SourceUnreachableError")
      expect(failure.message).toContain("gzip")
    })
  )

  it.live("redirects to itself for ever", () =>
    Effect.gen(function* () {
      const { exit, server } = yield* downloading(source.redirectTo("/song.mp3"))
      expect(yield* Effect.flip(exit)).toMatchObject({
        _tag: "SourceUnreachableError",
        httpStatus: 302,
        retryable: false
      })
      expect(server.requests).toHaveLength(6)
    })
  )

  it.live("sends headers without end", () =>
    Effect.gen(function* () {
      const failure = yield* failing(source.hugeHeaders)
      expect(failure.message).toContain("headers")
    })
  )

  it.live("does not speak HTTP", () =>
    Effect.gen(function* () {
      expect((yield* failing(source.notHttp)).message).toContain("not HTTP")
    })
  )

  it.live("has a certificate that nobody vouches for", () =>
    Effect.gen(function* () {
      const failure = yield* failing(source.bytes("secret"), {}, true)
      expect(failure._tag).toBe("SourceUnreachableError")
      expect(failure.message).toContain("self-signed")
    })
  )

  it.live("refuses connections", () =>
    Effect.gen(function* () {
      const server = yield* Effect.promise(() => source.startSourceServer({}))
      yield* Effect.promise(server.close)
      const failure = yield* OutboundHttp.use((http) => http.download(server.url("/"), "/nonexistent/x", limits)).pipe(
        Effect.provide(client({ allowed: [server.host] }).layer),
        Effect.flip
      )
      expect(failure).toMatchObject({ _tag: "SourceUnreachableError", retryable: true })
      expect(failure.message).toContain("refused")
    })
  )

  it.live("is read by somebody who changes his mind", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.stallInBody(100_000, 200_000) })
      const directory = yield* temporaryDirectory
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
      const fiber = yield* OutboundHttp.use((http) =>
        http.download(server.url("/"), join(directory, "song"), { ...limits, onProgress: () => Effect.sync(begin) })
      ).pipe(Effect.provide(client({ allowed: [server.host] }).layer), Effect.forkChild)
      yield* Effect.promise(() => begun)
      expect(yield* Effect.promise(() => readdir(directory))).toEqual(["song"])
      yield* Fiber.interrupt(fiber)
      expect(yield* Effect.promise(() => readdir(directory))).toEqual([])
    })
  )
})

describe("a place on the disk", () => {
  it.live("that cannot be written to fails the download as a storage failure", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.bytes(Buffer.alloc(100_000)) })
      const failure = yield* OutboundHttp.use((http) => http.download(server.url("/"), "/dev/null/song", limits)).pipe(
        Effect.provide(client({ allowed: [server.host] }).layer),
        Effect.flip
      )
      expect(failure._tag).toBe("StorageError")
    })
  )

  it.live("where a file is already is left as it is", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.bytes("new") })
      const path = join(yield* temporaryDirectory, "song")
      const download = OutboundHttp.use((http) => http.download(server.url("/"), path, limits)).pipe(
        Effect.provide(client({ allowed: [server.host] }).layer)
      )
      yield* download
      expect(yield* Effect.flip(download)).toMatchObject({ _tag: "StorageError" })
      expect(yield* Effect.promise(() => readFile(path, "utf8"))).toBe("new")
    })
  )
})

const opening = (url: string, { dialled, layer }: ReturnType<typeof client>, headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const outbound = yield* OutboundHttp
    const response = yield* outbound.open(url, { timeoutMs: 5_000, idleTimeoutMs: 5_000, headers })
    return { status: response.status, body: Buffer.concat(yield* Stream.runCollect(response.body)).toString(), dialled }
  }).pipe(Effect.scoped, Effect.provide(layer), Effect.result)

describe("a source inside the network", () => {
  it.live.each([
    "http://127.0.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f.1:PORT/",
    "http://[::1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://0:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "file:///etc/passwd",
    "http://user:secret@example.com/"
  ])("is refused and never dialled: %s", (url) =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.bytes("inside") })
      const watched = client()
      const result = yield* opening(url.replace("PORT", String(server.port)), watched)
      expect(Result.getOrThrow(Result.flip(result))._tag).toBe("SourceBlockedError")
      expect(watched.dialled).toEqual([])
      expect(server.requests).toEqual([])
    })
  )

  it.live("is refused by its resolved address, also when it is one among public ones", () =>
    Effect.gen(function* () {
      for (const addresses of [["127.0.0.1"], ["93.184.216.34", "10.0.0.7"], ["::1"], ["fe80::1%eth0"]]) {
        const watched = client({ resolve: () => Promise.resolve(addresses) })
        const result = yield* opening("http://public.example/", watched)
        expect(Result.getOrThrow(Result.flip(result))).toMatchObject({
          _tag: "SourceBlockedError",
          host: "public.example"
        })
        expect(watched.dialled).toEqual([])
      }
    })
  )

  it.live.each([
    "http://169.254.169.254/latest/meta-data/",
    "//[::1]/",
    "file:///etc/passwd",
    "http://inside.example/",
    "http://%%%/",
    "http://127.0.0.1:22/"
  ])("is refused behind a redirect: %s", (location) =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.redirectTo(location) })
      const watched = client({ allowed: [server.host], resolve: () => Promise.resolve(["192.168.0.1"]) })
      const result = yield* opening(server.url("/"), watched)
      expect(Result.getOrThrow(Result.flip(result))._tag).toBe("SourceBlockedError")
      expect(watched.dialled.map((target) => target.port)).toEqual([server.port])
    })
  )

  it.live("cannot be slipped in between the check and the connection", () =>
    Effect.gen(function* () {
      const answers = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
      let asked = 0
      const dialled: Array<DialTarget> = []
      const layer = OutboundHttp.layer({
        allowedSources: [],
        resolve: () => Promise.resolve(answers[asked++] ?? []),
        dial: (target) => {
          dialled.push(target)
          return new net.Socket().destroy(Object.assign(new Error("a test goes no further"), { code: "ECONNREFUSED" }))
        }
      })
      const result = yield* opening("http://rebinding.example:8080/", { dialled, layer })
      expect(Result.getOrThrow(Result.flip(result))._tag).toBe("SourceUnreachableError")
      expect(asked).toBe(1)
      expect(dialled).toEqual([{ host: "rebinding.example", port: 8080, addresses: ["93.184.216.34"], secure: false }])
    })
  )

  it.live("that comes up when a redirect is resolved anew is refused", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.redirectTo("http://rebinding.test:PORT/second") })
      const answers = [["127.0.0.1"], ["169.254.169.254"]]
      const watched = client({ allowed: ["rebinding.test"], resolve: () => Promise.resolve(answers.shift() ?? []) })
      const result = yield* opening(`http://rebinding.test:${server.port}/`, watched)
      expect(Result.getOrThrow(Result.flip(result))._tag).toBe("SourceBlockedError")
      expect(watched.dialled).toHaveLength(1)
    })
  )
})

describe("a request", () => {
  it.live("goes to the checked address under the name that was asked for", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.bytes("hello") })
      // A name that no DNS knows: only the pinned address can lead to the server.
      const watched = client({
        allowed: [`music.invalid:${server.port}`],
        resolve: () => Promise.resolve(["127.0.0.1"])
      })
      const result = yield* opening(`http://music.invalid:${server.port}/`, watched)
      expect(Result.getOrThrow(result)).toMatchObject({ status: 200, body: "hello" })
      expect(server.requests[0]?.headers.host).toBe(`music.invalid:${server.port}`)
    })
  )

  it.live("keeps its secrets from another origin that it is redirected to", () =>
    Effect.gen(function* () {
      const other = yield* source.sourceServer({ "/": source.bytes("other") })
      const server = yield* source.sourceServer({
        "/": source.redirectTo("/same"),
        "/same": source.redirectTo(other.url("/"))
      })
      const watched = client({ allowed: [server.host, other.host] })
      const result = yield* opening(server.url("/"), watched, {
        Authorization: "Bearer secret",
        cookie: "a=b",
        "x-kept": "yes"
      })
      expect(Result.getOrThrow(result)).toMatchObject({ body: "other" })
      expect(server.requests.map((request) => request.headers.authorization)).toEqual([
        "Bearer secret",
        "Bearer secret"
      ])
      expect(other.requests[0]?.headers).not.toHaveProperty("authorization")
      expect(other.requests[0]?.headers).not.toHaveProperty("cookie")
      expect(other.requests[0]?.headers).toMatchObject({ "x-kept": "yes", host: other.host })
    })
  )

  it.live("gets error statuses as answers, with their bodies", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.status(503) })
      expect(Result.getOrThrow(yield* opening(server.url("/"), client({ allowed: [server.host] })))).toMatchObject({
        status: 503,
        body: "status 503"
      })
    })
  )

  it.live("closes its connection with its scope, also when nobody read the answer", () =>
    Effect.gen(function* () {
      const server = yield* source.sourceServer({ "/": source.endless })
      yield* OutboundHttp.use((http) => http.open(server.url("/"), { timeoutMs: 5_000, idleTimeoutMs: 5_000 })).pipe(
        Effect.scoped,
        Effect.provide(client({ allowed: [server.host] }).layer)
      )
      const open = yield* Effect.promise(server.openConnections).pipe(
        Effect.delay(10),
        Effect.repeat({ until: (count) => count === 0, times: 200 })
      )
      expect(open).toBe(0)
    })
  )
})

describe("an address, before anybody is asked about it,", () => {
  const admitting = (url: string, allowed: ReadonlyArray<string> = []) =>
    OutboundHttp.use((http) => http.admit(url)).pipe(Effect.provide(client({ allowed }).layer), Effect.result)

  it.live.each([
    "http://localhost/",
    "http://LOCALHOST./",
    "http://music.localhost:8080/",
    "http://127.1/",
    "http://[::1]/",
    "http://169.254.169.254/",
    "ftp://example.com/",
    "http://a:b@example.com/",
    "http://example.com:25/",
    "song"
  ])("is refused when it shows that it may not be reached: %s", (url) =>
    Effect.gen(function* () {
      expect(Result.getOrThrow(Result.flip(yield* admitting(url)))._tag).toBe("SourceBlockedError")
    })
  )

  it.live("passes when nothing speaks against it yet, and nobody is asked", () =>
    Effect.gen(function* () {
      expect(Result.isSuccess(yield* admitting("https://example.com/song.mp3"))).toBe(true)
      expect(Result.isSuccess(yield* admitting("http://localhost:8080/", ["localhost:8080"]))).toBe(true)
    })
  )
})
