/** The HTTP server: GraphQL, uploads, media and health under one port. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Context, Effect, Layer } from "effect"
import type { Access } from "../access/Access.ts"
import { MediaLinks } from "../access/MediaLinks.ts"
import { observeGauge } from "../domain/observe.ts"
import type { Services } from "../graphql/Services.ts"
import type { Database } from "../persistence/Database.ts"
import type { BlobStore } from "../storage/BlobStore.ts"
import type { Uploads } from "../storage/Uploads.ts"
import { makeAdmission } from "./admission.ts"
import { type Arrived, makeBoundary, receiving, targetOf } from "./boundary.ts"
import { isAllowedOrigin } from "./crossSite.ts"
import { makeGraphQLListener } from "./graphqlRequest.ts"
import { graphqlPath, makeGraphQLServer } from "./graphqlServer.ts"
import { makeGraphQLSockets } from "./graphqlSocket.ts"
import { listening } from "./listening.ts"
import { admitLink } from "./media/admitLink.ts"
import { serveMedia } from "./media/routes.ts"
import { sendProblem } from "./problem.ts"
import { fellBehind, openSockets } from "./socketMetrics.ts"
import { makeStatusRoutes } from "./statusRoutes.ts"
import { isUploadPath, makeUploadListener } from "./uploads/routes.ts"

export interface ServerSettings {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly publicUrl: (listeningPort: number) => string
  readonly corsOrigins: ReadonlyArray<string>
  readonly maxUploadBytes: number
  /** How long running requests may take to end once the server is told to; 8 seconds unless told. */
  readonly drainMs?: number
  /** How often sockets are asked whether somebody is there still, and for how long an event stream may take nothing; 15 seconds unless told. */
  readonly keepAliveMs?: number
  /** How many bytes may wait for a WebSocket client that does not take them before it is closed; 1 MiB unless told. */
  readonly maxWaitingBytes?: number
}

/** How long running requests may take to end unless settings say otherwise. */
export const drainMs = 8_000

export class Server extends Context.Service<Server, {
  readonly port: number
  /** Where clients reach it. */
  readonly url: string
}>()("playhead/http/Server") {
  static readonly layer = (settings: ServerSettings) =>
    Layer.effect(
      Server,
      Effect.gen(function* () {
        const services = yield* Effect.context<Services | Access | BlobStore | Uploads>()
        const { answer, unexpected } = yield* makeBoundary<BlobStore | Database>()
        let url = settings.publicUrl(settings.port)
        const origins = () => ({ corsOrigins: settings.corsOrigins, publicUrl: url })

        const admission = makeAdmission(services)
        const statusRoute = yield* makeStatusRoutes(admission)
        const servers = makeGraphQLServer(services, () => url)
        const keepAliveMs = settings.keepAliveMs ?? 15_000
        const answerGraphQL = makeGraphQLListener(servers, { admission, keepAliveMs, maxUploadBytes: settings.maxUploadBytes })
        const sockets = makeGraphQLSockets(servers.graphql, {
          admission,
          keepAliveMs,
          maxWaitingBytes: settings.maxWaitingBytes ?? 1024 * 1024,
          onFellBehind: () => fellBehind.updateUnsafe(1, services),
          onError: (error) => unexpected(error)
        })
        yield* observeGauge(openSockets, sockets.count)
        // From nothing on, so that the first one shows as an increase.
        fellBehind.updateUnsafe(0, services)

        const answerUpload = makeUploadListener(services, { admission, maxUploadBytes: settings.maxUploadBytes, publicUrl: () => url })

        /** Who has a link needs no key. */
        const admitToMedia = (request: IncomingMessage, response: ServerResponse, target: URL) =>
          Effect.matchEffect(admitLink(admission, Context.get(services, MediaLinks), request, target), {
            onFailure: (refused) => Effect.sync(() => sendProblem(response, refused.status, refused.message, refused.headers)),
            onSuccess: () => serveMedia(request, response, target)
          })

        const route = (arrived: Arrived): void => {
          const { asked, request, response, target } = arrived
          const rejected = (error: unknown) => unexpected(error, arrived)
          const status = statusRoute(target?.pathname)
          if (status !== undefined) return answer(arrived, status(arrived))
          if (target?.pathname === graphqlPath) return void answerGraphQL(request, response, asked).catch(rejected)
          if (target?.pathname === "/") return void response.writeHead(302, { location: graphqlPath }).end()
          if (isUploadPath(target?.pathname)) return void answerUpload(request, response).catch(rejected)
          if (target?.pathname.startsWith("/media/") === true) return answer(arrived, admitToMedia(request, response, target))
          return sendProblem(response, 404, `There is nothing here. GraphQL is at ${graphqlPath}.`)
        }

        const { port, server } = yield* listening({
          host: settings.host,
          port: settings.port,
          drainMs: settings.drainMs ?? drainMs,
          listener: receiving(origins, route),
          beforeDrain: (listener) => {
            listener.removeAllListeners("upgrade")
            return sockets.close()
          }
        })
        url = settings.publicUrl(port)
        server.on("upgrade", (request, connection, head) => {
          // Its owner may go before it is answered.
          connection.on("error", () => {})
          const refuse = (status: string) => connection.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
          if (targetOf(request)?.pathname !== graphqlPath) refuse("404 Not Found")
          else if (!isAllowedOrigin(request.headers, origins())) refuse("403 Forbidden")
          else sockets.accept(request, connection, head)
        })
        return Server.of({ port, url })
      })
    )
}
