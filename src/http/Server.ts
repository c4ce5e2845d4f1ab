/** The HTTP server: GraphQL, media and health under one port. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http"
import { Context, Effect, FiberSet, Layer, Schema } from "effect"
import type { Services } from "../graphql/GraphQLContext.ts"
import { Health } from "../operations/Health.ts"
import type { BlobStore } from "../storage/BlobStore.ts"
import { makeGraphQLHandler } from "./graphqlHandler.ts"
import { serveMedia } from "./media/routes.ts"
import { makeOrigins, type Origins } from "./origins.ts"
import { sendProblem } from "./problem.ts"
import { serveSockets } from "./sockets.ts"

export interface ServerSettings {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly publicUrl: (listeningPort: number) => string
  readonly corsOrigins: ReadonlyArray<string>
  readonly maxUploadBytes: number
}

/** The address cannot be listened on. `message` is one line that says what to do. */
export class PortInUse extends Schema.TaggedError<PortInUse>()("PortInUse", {
  message: Schema.String,
  cause: Schema.Defect()
}) {}

const maxDocumentBytes = 1024 * 1024
/** For what a multipart request has around its file. */
const multipartAllowanceBytes = 1024 * 1024
/** How long running requests may take to end once the server is told to. */
const drainMs = 8000

const listen = (server: HttpServer, { host, port }: ServerSettings) =>
  Effect.callback<number, PortInUse>((resume) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "another program listens there" : cause.code ?? cause.message
      resume(new PortInUse({ message: `Cannot listen on ${host}:${port}: ${why}. Stop it, or set PORT (and HOST) to something else.`, cause }))
    })
    server.listen(port, host, () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

/** Stops accepting, lets what runs come to its end for a while, then cuts it off. */
const close = (server: HttpServer) =>
  Effect.promise(() =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), drainMs)
      server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      server.closeIdleConnections()
    })
  )

/** What must hold before a body is read. */
const admits = (request: IncomingMessage, response: ServerResponse, origins: Origins, maxUploadBytes: number): boolean => {
  if (!origins.admits(request)) {
    sendProblem(response, 403, "Pages of other sites may not call this server. List their origin in PLAYHEAD_CORS_ORIGINS to let them.")
    return false
  }
  if (request.method !== "POST") return true
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  if (type !== "application/json" && type !== "multipart/form-data" && type !== "application/graphql+json") {
    sendProblem(response, 415, "Send GraphQL requests as application/json, and uploads as multipart/form-data.")
    return false
  }
  const limit = type === "multipart/form-data" ? maxUploadBytes + multipartAllowanceBytes : maxDocumentBytes
  const length = request.headers["content-length"]
  if (length === undefined && request.headers["transfer-encoding"] !== undefined) {
    sendProblem(response, 411, "Say how long the request is, in Content-Length.")
    return false
  }
  if (Number(length ?? 0) <= limit) return true
  sendProblem(response, 413, `The request is larger than the ${limit} bytes that are allowed.`, { connection: "close" })
  return false
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
        const services = yield* Effect.context<Services | BlobStore>()
        const health = yield* Health
        const server = createServer({ headersTimeout: 30_000, requestTimeout: 3_600_000, keepAliveTimeout: 65_000 })
        const run = yield* FiberSet.makeRuntime<Services | BlobStore>()
        yield* Effect.acquireRelease(Effect.void, () => close(server))
        const port = yield* listen(server, settings)
        const url = settings.publicUrl(port)
        const yoga = makeGraphQLHandler({ services, publicUrl: () => url })
        const origins = makeOrigins(settings.corsOrigins, url)

        const answer = (response: ServerResponse, effect: Effect.Effect<void, unknown, Services | BlobStore>) => {
          run(effect.pipe(
            Effect.catchCause((cause) =>
              Effect.andThen(Effect.logError("A request failed for a reason that nobody expected", cause), Effect.sync(() => sendProblem(response, 500, "Something went wrong on our side.")))
            )
          ))
        }

        const report = (response: ServerResponse) =>
          Effect.map(health.check, (found) => {
            response.writeHead(found.status === "UNHEALTHY" ? 503 : 200, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(found))
          })

        const allowOrigin = (request: IncomingMessage, response: ServerResponse): void => {
          response.setHeader("vary", "origin")
          const origin = origins.listed(request)
          if (origin === undefined) return
          response.setHeader("access-control-allow-origin", origin)
          response.setHeader("access-control-expose-headers", "content-range, content-length, etag, accept-ranges")
        }

        const preflight = (response: ServerResponse): void => {
          response.writeHead(204, {
            "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
            "access-control-allow-headers": "content-type, accept, authorization, range, if-range, if-none-match",
            "access-control-max-age": "600"
          }).end()
        }

        server.on("request", (request, response) => {
          const target = new URL(request.url ?? "/", "http://localhost")
          allowOrigin(request, response)
          if (request.method === "OPTIONS") return preflight(response)
          if (target.pathname === "/graphql") {
            if (admits(request, response, origins, settings.maxUploadBytes)) void yoga(request, response)
            return
          }
          if (target.pathname.startsWith("/media/")) return answer(response, serveMedia(request, response, target))
          if (target.pathname === "/healthz") return void response.writeHead(200, { "content-type": "application/json" }).end(`{"status":"HEALTHY"}`)
          if (target.pathname === "/readyz") return answer(response, report(response))
          if (target.pathname === "/") return void response.writeHead(302, { location: "/graphql" }).end()
          return sendProblem(response, 404, "There is nothing here. GraphQL is at /graphql.")
        })
        yield* serveSockets(server, yoga, origins)
        return Server.of({ port, url })
      })
    )
}
