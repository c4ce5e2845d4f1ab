/**
 * An HTTP server on 127.0.0.1 that serves files, and misbehaves on request in every way that sources on the internet do.
 * Each path of `routes` has one behaviour; what is not listed is a 404.
 */
import { createReadStream, statSync } from "node:fs"
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import https from "node:https"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"
import { selfSigned } from "./selfSigned.ts"

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface SourceServer {
  readonly port: number
  /** `host:port`, as PLAYHEAD_ALLOW_PRIVATE_SOURCES takes it. */
  readonly host: string
  readonly url: (path: string) => string
  /** Method, path and headers of every request so far. */
  readonly requests: ReadonlyArray<Pick<IncomingMessage, "method" | "url" | "headers">>
  readonly openConnections: () => Promise<number>
  readonly close: () => Promise<void>
}

/** A whole file, announced, with a type and, if given, the name that a browser would save it under. */
export const file =
  (path: string, mediaType = "audio/mpeg", contentDisposition?: string): Behaviour =>
  (request, response) => {
    response.writeHead(200, {
      "content-type": mediaType,
      "content-length": statSync(path).size,
      ...(contentDisposition !== undefined && { "content-disposition": contentDisposition })
    })
    if (request.method === "HEAD") response.end()
    else createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(response)
  }

export const bytes =
  (content: Uint8Array | string, headers: http.OutgoingHttpHeaders = {}): Behaviour =>
  (_request, response) => {
    response.writeHead(200, { "content-length": Buffer.byteLength(content), ...headers })
    response.end(content)
  }

export const status =
  (code: number, headers: http.OutgoingHttpHeaders = {}): Behaviour =>
  (_request, response) => {
    response.writeHead(code, headers)
    response.end(`status ${code}`)
  }

export const redirectTo = (location: string, code = 302): Behaviour => status(code, { location })

/** Takes the request and says nothing. */
export const stallBeforeHeaders: Behaviour = () => {}

/** Announces `announced` bytes, sends `sent`, and then nothing. */
export const stallInBody =
  (sent: number, announced: number): Behaviour =>
  (_request, response) => {
    response.writeHead(200, { "content-length": announced })
    response.write(Buffer.alloc(sent))
  }

/** Announces `announced` bytes, sends `sent`, and resets the connection. */
export const resetInBody =
  (sent: number, announced: number): Behaviour =>
  (_request, response) => {
    response.writeHead(200, { "content-length": announced })
    response.write(Buffer.alloc(sent), () => setTimeout(() => response.socket?.resetAndDestroy(), 20))
  }

const raw =
  (head: string, body: Uint8Array): Behaviour =>
  (request) => {
    request.socket.write(`${head}\r\n\r\n`)
    request.socket.end(body)
  }

/** Sends `sent` bytes although `announced` were announced; fewer and then a proper end, or more. */
export const misannounced = (sent: number, announced: number): Behaviour =>
  raw(`HTTP/1.1 200 OK\r\nContent-Length: ${announced}`, Buffer.alloc(sent, 1))

/** A chunked answer whose second chunk is none. */
export const brokenChunks: Behaviour = raw(
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
  Buffer.from("5\r\nhello\r\nnonsense\r\n")
)

/** Neither length nor chunks: the end of the connection is the end of the file. */
export const untilClosed = (content: Uint8Array): Behaviour => raw("HTTP/1.1 200 OK\r\nConnection: close", content)

export const notHttp: Behaviour = (request) => {
  request.socket.end("SSH-2.0-OpenSSH_9.2\r\n")
}

export const hugeHeaders: Behaviour = (request) => {
  request.socket.write(`HTTP/1.1 200 OK\r\nX-Padding: ${"x".repeat(200_000)}\r\n\r\n`)
}

/** One byte every `everyMs`, for ever: never idle, never done. */
export const drip =
  (everyMs: number): Behaviour =>
  (_request, response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write("x"), everyMs)
    response.on("close", () => clearInterval(timer))
  }

/** As many bytes as the reader takes, without announcing any. */
export const endless: Behaviour = (_request, response) => {
  const chunk = Buffer.alloc(64 * 1024)
  response.writeHead(200)
  const push = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on("drain", push)
  push()
}

export const startSourceServer = async (
  routes: Readonly<Record<string, Behaviour>>,
  { secure = false }: { readonly secure?: boolean } = {}
): Promise<SourceServer> => {
  const requests: Array<Pick<IncomingMessage, "method" | "url" | "headers">> = []
  const listener: RequestListener = (request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers })
    request.socket.on("error", () => {})
    const path = new URL(request.url ?? "/", "http://source.test").pathname
    const behaviour = routes[path] ?? status(404)
    behaviour(request, response)
  }
  const server = secure ? https.createServer(selfSigned, listener) : http.createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: (path) => `${secure ? "https" : "http"}://127.0.0.1:${port}${path}`,
    requests,
    openConnections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** The same within a scope, for Effect tests. */
export const sourceServer = (
  routes: Readonly<Record<string, Behaviour>>,
  options?: { readonly secure?: boolean }
): Effect.Effect<SourceServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startSourceServer(routes, options)),
    (server) => Effect.promise(server.close)
  )
