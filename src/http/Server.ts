/** The HTTP server: GraphQL, uploads, media and health under one port. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Context, Effect, ErrorReporter, FiberSet, Layer } from "effect"
import type { Access } from "../access/Access.ts"
import { MediaLinks } from "../access/MediaLinks.ts"
import { observeGauge } from "../domain/observe.ts"
import { RequestId } from "../domain/Origin.ts"
import type { Scope, Viewer } from "../domain/Viewer.ts"
import type { Services } from "../graphql/Services.ts"
import { Health } from "../operations/Health.ts"
import { Metrics } from "../operations/metrics/Metrics.ts"
import type { BlobStore } from "../storage/BlobStore.ts"
import type { Uploads } from "../storage/Uploads.ts"
import { bearerIn, makeAdmission } from "./admission.ts"
import { askedBy, requestIdHeader } from "./asked.ts"
import { allowListedOrigin, answerPreflight, isAllowedOrigin } from "./crossSite.ts"
import { makeGraphQLListener } from "./graphqlRequest.ts"
import { graphqlPath, makeGraphQLServer } from "./graphqlServer.ts"
import { makeGraphQLSockets } from "./graphqlSocket.ts"
import { listening } from "./listening.ts"
import { admitLink } from "./media/admitLink.ts"
import { serveMedia } from "./media/routes.ts"
import { sendProblem } from "./problem.ts"
import { fellBehind, openSockets } from "./socketMetrics.ts"
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

const refusedOrigin = "Pages of this origin may not call this server. List it in PLAYHEAD_CORS_ORIGINS, or set PLAYHEAD_PUBLIC_URL to the address that the page was served from."

/** By its path alone: what a client may write in front of it decides nothing. */
const targetOf = (request: IncomingMessage): URL | null => URL.parse(`http://localhost${request.url ?? "/"}`)

const sendJson = (response: ServerResponse, status: number, value: unknown): void => {
  const body = JSON.stringify(value)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body), "cache-control": "no-store" }).end(body)
}

/** The text format of Prometheus. */
const sendText = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8", "content-length": Buffer.byteLength(text), "cache-control": "no-store" }).end(text)
}

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
        const health = yield* Health
        const metrics = yield* Metrics
        const run = yield* FiberSet.makeRuntime<Services | BlobStore>()
        let url = settings.publicUrl(settings.port)
        const origins = () => ({ corsOrigins: settings.corsOrigins, publicUrl: url })

        const unexpected = (response: ServerResponse | undefined, requestId?: string) => (error: unknown): void => {
          run(Effect.logError("A request failed for a reason that nobody expected", error).pipe(
            Effect.andThen(ErrorReporter.report(Cause.isCause(error) ? error : Cause.die(error))),
            Effect.provideService(RequestId, requestId)
          ))
          if (response !== undefined) sendProblem(response, 500, "Something went wrong on our side.")
        }
        const answer = (response: ServerResponse, requestId: string, effect: Effect.Effect<void, unknown, Services | BlobStore>): void => {
          const fiber = run(effect.pipe(
            Effect.catchCause((cause) => Effect.sync(() => unexpected(response, requestId)(cause))),
            Effect.provideService(RequestId, requestId)
          ))
          response.once("close", () => fiber.interruptUnsafe())
        }

        const admission = makeAdmission(services)
        /** What only those get to whom the scope was given. */
        const answerAdmitted = (request: IncomingMessage, response: ServerResponse, requestId: string, scope: Scope, effect: (viewer: Viewer) => Effect.Effect<void, unknown, Services | BlobStore>): void =>
          answer(response, requestId, Effect.matchEffect(admission.admit(bearerIn(request.headers.authorization), scope), {
            onFailure: (refused) => Effect.sync(() => sendProblem(response, refused.status, refused.message, refused.headers)),
            onSuccess: effect
          }))

        const graphql = makeGraphQLServer(services, () => url)
        const keepAliveMs = settings.keepAliveMs ?? 15_000
        const answerGraphQL = makeGraphQLListener(graphql, { admission, keepAliveMs, maxUploadBytes: settings.maxUploadBytes })
        const sockets = makeGraphQLSockets(graphql, {
          admission,
          keepAliveMs,
          maxWaitingBytes: settings.maxWaitingBytes ?? 1024 * 1024,
          onFellBehind: () => fellBehind.updateUnsafe(1, services),
          onError: unexpected(undefined)
        })
        yield* observeGauge(openSockets, sockets.count)
        // From nothing on, so that the first one shows as an increase.
        fellBehind.updateUnsafe(0, services)

        /** A balancer shows no key: whoever asks is told whether, and who may read is told why. */
        const ready = Effect.fnUntraced(function* (request: IncomingMessage, response: ServerResponse) {
          const found = yield* health.check
          const mayRead = yield* Effect.isSuccess(admission.admit(bearerIn(request.headers.authorization), "READ"))
          sendJson(response, found.status === "UNHEALTHY" ? 503 : 200, mayRead ? found : { status: found.status })
        })

        const answerUpload = makeUploadListener(services, { admission, maxUploadBytes: settings.maxUploadBytes, publicUrl: () => url })

        /** Who has a link needs no key. */
        const admitToMedia = (request: IncomingMessage, response: ServerResponse, target: URL) =>
          Effect.matchEffect(admitLink(admission, Context.get(services, MediaLinks), request, target), {
            onFailure: (refused) => Effect.sync(() => sendProblem(response, refused.status, refused.message, refused.headers)),
            onSuccess: () => serveMedia(request, response, target)
          })

        const route = (request: IncomingMessage, response: ServerResponse): void => {
          const target = targetOf(request)
          const asked = askedBy(request.headers)
          const { requestId } = asked
          response.setHeader(requestIdHeader, requestId)
          allowListedOrigin(request, response, origins())
          if (!isAllowedOrigin(request.headers, origins())) return sendProblem(response, 403, refusedOrigin)
          if (answerPreflight(request, response)) return
          switch (target?.pathname) {
            case graphqlPath:
              return void answerGraphQL(request, response, asked).catch(unexpected(response, requestId))
            case "/healthz":
              return sendJson(response, 200, { status: "HEALTHY" })
            case "/readyz":
              return answer(response, requestId, ready(request, response))
            case "/metrics":
              return answerAdmitted(request, response, requestId, "READ", () => Effect.map(metrics.exposition, (text) => sendText(response, text)))
            case "/":
              return void response.writeHead(302, { location: graphqlPath }).end()
            default:
              if (isUploadPath(target?.pathname)) return void answerUpload(request, response).catch(unexpected(response, requestId))
              if (target?.pathname.startsWith("/media/") === true) return answer(response, requestId, admitToMedia(request, response, target))
              return sendProblem(response, 404, `There is nothing here. GraphQL is at ${graphqlPath}.`)
          }
        }

        const { port, server } = yield* listening({
          host: settings.host,
          port: settings.port,
          drainMs: settings.drainMs ?? 8_000,
          listener: route,
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
