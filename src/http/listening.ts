/** The socket that is listened on, and how it is given up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Effect, Schema, type Scope } from "effect"

/** The address cannot be listened on. `message` is one line that says what to do. */
export class PortInUse extends Schema.TaggedError<PortInUse>()("PortInUse", {
  message: Schema.String,
  cause: Schema.Defect()
}) {}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there. Stop it, or set PORT to another number",
  EACCES: "that needs more rights. Set PORT to a number above 1023",
  EADDRNOTAVAIL: "this machine has no such address. Set HOST to one that it has",
  ENOTFOUND: "the name of the host is not known. Set HOST to an address of this machine"
}

const listen = (server: Server, host: string, port: number) =>
  Effect.callback<number, PortInUse>((resume) => {
    const refused = (cause: NodeJS.ErrnoException) =>
      resume(Effect.fail(new PortInUse({ message: `Cannot listen on ${host}:${port}: ${reasons[cause.code ?? ""] ?? cause.message}.`, cause })))
    server.once("error", refused)
    server.listen(port, host, () => {
      server.off("error", refused)
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

/** A stream of events that has begun: it would never end by itself. */
const isEventStream = ({ headersSent, req }: ServerResponse): boolean => headersSent && req.headers.accept?.includes("text/event-stream") === true

/** How long the rest of a request that was answered already is read and forgotten before its connection is cut off. */
const lingerMs = 2_000

/** What is left unread would be taken for the connection's next request, and a connection cut at once takes the answer with it. */
const forgetRest = (request: IncomingMessage): void => {
  if (request.complete || request.destroyed) return
  request.removeAllListeners("data").removeAllListeners("readable").unpipe()
  request.resume()
  const impatience = setTimeout(() => {
    // Once it is complete its connection may be at work on the next request already.
    if (!request.complete) request.destroy()
  }, lingerMs)
  request.once("close", () => clearTimeout(impatience))
}

export interface Listening {
  readonly server: Server
  readonly port: number
}

/**
 * Listens until the scope closes. Then nothing new is accepted, `beforeDrain` runs, event streams break off (so that
 * clients come back for the rest), and what runs may come to its end within `drainMs` before it is cut off.
 */
export const listening = Effect.fnUntraced(function* (settings: {
  readonly host: string
  readonly port: number
  readonly drainMs: number
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void
  readonly beforeDrain: (server: Server) => Promise<void>
}): Effect.fn.Return<Listening, PortInUse, Scope.Scope> {
  const open = new Set<ServerResponse>()
  let closing = false
  const server = createServer(
    // A body may take long where it is an upload; bodyTime.ts looks after each.
    { headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000 },
    (request, response) => {
      open.add(response)
      response.once("close", () => open.delete(response))
      response.once("finish", () => forgetRest(request))
      if (closing) response.setHeader("connection", "close")
      settings.listener(request, response)
    }
  )
  const close = Effect.promise(async () => {
    closing = true
    const closed = new Promise((resolve) => server.close(resolve))
    await settings.beforeDrain(server)
    for (const response of open) {
      if (isEventStream(response)) response.destroy()
      else if (!response.headersSent) response.setHeader("connection", "close")
    }
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    const impatience = setTimeout(() => server.closeAllConnections(), settings.drainMs)
    server.closeIdleConnections()
    await closed
    clearInterval(idle)
    clearTimeout(impatience)
  })
  const port = yield* Effect.acquireRelease(listen(server, settings.host, settings.port), () => close)
  return { server, port }
})
