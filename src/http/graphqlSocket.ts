/** GraphQL over WebSocket: the protocol graphql-transport-ws, and nothing else. */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type ExecutionArgs, GraphQLError } from "graphql"
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from "graphql-ws"
import { type WebSocket, WebSocketServer } from "ws"
import type { Viewer } from "../domain/Viewer.ts"
import type { Receiver } from "../graphql/streams/Receiver.ts"
import { type Admission, bearerIn, NotAdmitted } from "./admission.ts"
import { askedOnSocket } from "./asked.ts"
import { type GraphQLServer, maxMessageBytes } from "./graphqlServer.ts"
import { makeSocketOutlet, type SocketOutlet } from "./socketOutlet.ts"

/** Per socket. A page that watches more than this does better with `jobChanged`. */
const maxOperations = 100
const connectionInitWaitMs = 5_000

interface Extra {
  /** How the connection began; a client that can may send its key with it. */
  readonly request: IncomingMessage
  readonly socket: WebSocket
  /** Who asks, once that is known. */
  viewer: Viewer | undefined
  /** Aborted when the socket closes. */
  readonly signal: AbortSignal
  readonly outlet: SocketOutlet
}

type EnvelopedArgs = ExecutionArgs & Pick<ReturnType<GraphQLServer["getEnveloped"]>, "execute" | "subscribe">

/** Parses, validates and limits as for HTTP; what is refused ends the operation, not the socket. */
const prepare = async (graphql: GraphQLServer, payload: SubscribePayload, { receiver, signal, viewer }: { readonly receiver: Receiver; readonly signal: AbortSignal; readonly viewer: Viewer }): Promise<EnvelopedArgs | Array<GraphQLError>> => {
  const { contextFactory, execute, parse, schema, subscribe, validate } = graphql.getEnveloped({ asked: askedOnSocket(payload.extensions), params: payload, receiver, signal, viewer })
  try {
    const document = parse(payload.query)
    const errors = validate(schema, document)
    if (errors.length > 0) return [...errors]
    return {
      schema,
      document,
      operationName: payload.operationName,
      variableValues: payload.variables,
      contextValue: await contextFactory(),
      execute,
      subscribe
    }
  } catch (error) {
    if (error instanceof GraphQLError) return [error]
    throw error
  }
}

/** Ends sockets whose other end is gone without a word: the keepalive asks, and silence until the next time is the answer. */
const keepAlive = (socket: WebSocket, everyMs: number): void => {
  let answered = true
  socket.on("pong", () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, everyMs)
  socket.once("close", () => clearInterval(timer))
}

/** What a client says of itself in `connectionParams`: `authorization`, in any case, as in the header. */
const shownIn = (params: Readonly<Record<string, unknown>> | undefined, request: IncomingMessage): string | undefined => {
  const [, said] = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === "authorization") ?? []
  return bearerIn(typeof said === "string" ? said : request.headers.authorization)
}

/** Clients connect again after 1013, as it is, and after 4403 where they have another key. */
const closeNotAdmitted = (socket: WebSocket, refused: NotAdmitted): void =>
  refused.code === "UNAUTHENTICATED" ? socket.close(CloseCode.Forbidden, "Forbidden: a valid key or token is needed") : socket.close(1013, "Try again later")

export interface SocketSettings {
  readonly keepAliveMs: number
  /** How many bytes may wait for a client that does not take them before its socket is closed. */
  readonly maxWaitingBytes: number
  readonly admission: Admission
  readonly onFellBehind: () => void
  readonly onError: (error: unknown) => void
}

export interface GraphQLSockets {
  /** Takes over an upgraded connection. */
  readonly accept: (request: IncomingMessage, connection: Duplex, head: Buffer) => void
  /** How many are open. */
  readonly count: () => number
  /** Closes every socket with a code on which clients connect again; those that do not answer are cut off. */
  readonly close: () => Promise<void>
}

export const makeGraphQLSockets = (graphql: GraphQLServer, settings: SocketSettings): GraphQLSockets => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols, perMessageDeflate: false })
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: connectionInitWaitMs,
    execute: (args) => (args as EnvelopedArgs).execute(args),
    subscribe: (args) => (args as EnvelopedArgs).subscribe(args),
    onConnect: async ({ connectionParams, extra }) => {
      try {
        const viewer = await settings.admission.admitNow(shownIn(connectionParams, extra.request))
        if (extra.signal.aborted) return false
        extra.viewer = viewer
        extra.socket.once("close", settings.admission.watch(viewer, (ending) => extra.socket.close(CloseCode.Forbidden, `Forbidden: the key or token ${ending === "expired" ? "has expired" : "was revoked"}`)))
        return true
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error
        closeNotAdmitted(extra.socket, error)
        return false
      }
    },
    onSubscribe: async ({ extra: { outlet, signal, viewer }, subscriptions }, id, payload) => {
      if (viewer === undefined) throw new Error("graphql-ws lets nobody subscribe who was not let in")
      if (Object.keys(subscriptions).length > maxOperations) {
        return [new GraphQLError(`A socket carries at most ${maxOperations} operations at once. End some first.`, { extensions: { code: "RATE_LIMITED" } })]
      }
      try {
        await settings.admission.again(viewer)
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error
        return [new GraphQLError(error.message, { extensions: { code: error.code, retryAfterMs: error.retryAfterMs } })]
      }
      return prepare(graphql, payload, { receiver: outlet.receiver(id), signal, viewer })
    },
    // A stream that broke: graphql-ws has wrapped what the engine said of it.
    onError: (_context, _id, _payload, errors) => errors.map((error) => (error.cause instanceof GraphQLError ? error.cause : error).toJSON())
  })

  const serve = (socket: WebSocket, connection: Duplex, request: IncomingMessage): void => {
    const gone = new AbortController()
    // Too large a message, a broken frame: ws has closed the socket with the right code already.
    socket.on("error", () => {})
    keepAlive(socket, settings.keepAliveMs)
    const closed = protocol.opened({
      protocol: socket.protocol,
      // Resolves when the bytes are on their way, so a slow client slows its own subscription down and nothing piles up.
      send: (data) =>
        new Promise((resolve) => {
          if (socket.readyState === socket.OPEN) socket.send(data, () => resolve())
          else resolve()
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) => {
        socket.on("message", (data) => {
          handle(data.toString()).catch((error: unknown) => {
            settings.onError(error)
            socket.close(CloseCode.InternalServerError, "Internal server error")
          })
        })
      }
    }, { request, socket, viewer: undefined, outlet: makeSocketOutlet(socket, connection, settings), signal: gone.signal })
    socket.once("close", (code, reason) => {
      gone.abort()
      closed(code, reason.toString()).catch(settings.onError)
    })
  }

  return {
    accept: (request, connection, head) => sockets.handleUpgrade(request, connection, head, (socket) => serve(socket, connection, request)),
    count: () => sockets.clients.size,
    close: async () => {
      const all = [...sockets.clients]
      const ended = Promise.all(all.map((socket) => new Promise((resolve) => socket.once("close", resolve))))
      for (const socket of all) socket.close(1012, "Service restart")
      const impatience = setTimeout(() => {
        for (const socket of all) socket.terminate()
      }, 1_000)
      await ended
      clearTimeout(impatience)
      sockets.close()
    }
  }
}
