/** GraphQL over WebSocket, protocol `graphql-transport-ws`, through the same pipeline as over HTTP. */
import type { IncomingMessage, Server } from "node:http"
import type { Duplex } from "node:stream"
import { Effect } from "effect"
import { type ExecutionArgs, GraphQLError } from "graphql"
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from "graphql-ws"
import { useServer } from "graphql-ws/use/ws"
import { WebSocketServer } from "ws"
import type { GraphQLHandler } from "./graphqlHandler.ts"
import type { Origins } from "./origins.ts"

/** Service Restart: clients reconnect on it, and graphql-ws counts it among the codes that are no reason to give up. */
export const restartCode = 1012
const maxPayloadBytes = 256 * 1024
const initTimeoutMs = 10_000
/** A peer that answers no ping for so long is gone. */
const keepAliveMs = 12_000

interface Enveloped extends ExecutionArgs {
  readonly rootValue: { readonly execute: (args: ExecutionArgs) => unknown; readonly subscribe: (args: ExecutionArgs) => unknown }
}

const refuse = (socket: Duplex, status: string) => socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)

/** Serves upgrades of `/graphql` until the scope closes, which asks every client to come back elsewhere. */
export const serveSockets = (server: Server, yoga: GraphQLHandler, origins: Origins) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const sockets = new WebSocketServer({
        noServer: true,
        maxPayload: maxPayloadBytes,
        handleProtocols: (offered) => offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false
      })
      useServer({
        connectionInitWaitTimeout: initTimeoutMs,
        execute: (args) => (args as Enveloped).rootValue.execute(args) as never,
        subscribe: (args) => (args as Enveloped).rootValue.subscribe(args) as never,
        onSubscribe: async (context, _id, params) => {
          const enveloped = yoga.getEnveloped({ ...context, req: context.extra.request, params } as never)
          try {
            const document = enveloped.parse(params.query)
            const args = {
              schema: enveloped.schema,
              operationName: params.operationName,
              document,
              variableValues: params.variables,
              contextValue: await enveloped.contextFactory(),
              rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe }
            }
            const faults = enveloped.validate(args.schema, args.document)
            return faults.length > 0 ? faults as ReadonlyArray<GraphQLError> : args as never
          } catch (error) {
            // A document that cannot be parsed, or is over a limit of the parser.
            if (error instanceof GraphQLError) return [error]
            throw error
          }
        }
      }, sockets, keepAliveMs)

      const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        // Its owner may go before it is answered.
        socket.on("error", () => {})
        if (new URL(request.url ?? "/", "http://localhost").pathname !== "/graphql") refuse(socket, "404 Not Found")
        else if (!origins.admits(request)) refuse(socket, "403 Forbidden")
        else sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit("connection", accepted, request))
      }
      server.on("upgrade", upgrade)
      return { sockets, upgrade }
    }),
    ({ sockets, upgrade }) =>
      Effect.promise(async () => {
        server.off("upgrade", upgrade)
        for (const socket of sockets.clients) socket.close(restartCode, "The server is restarting")
        // Clients that do not answer the close are cut off.
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            for (const socket of sockets.clients) socket.terminate()
          }, 1000)
          sockets.close(() => {
            clearTimeout(timer)
            resolve()
          })
          if (sockets.clients.size === 0) clearTimeout(timer)
        })
      })
  )
