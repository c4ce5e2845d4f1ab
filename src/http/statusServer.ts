/** The server of a process that answers no clients: whether it is fit to work, and its metrics, and nothing else. */
import { Effect, Layer } from "effect"
import type { Access } from "../access/Access.ts"
import type { RateLimits } from "../access/RateLimits.ts"
import { makeAdmission } from "./admission.ts"
import { makeBoundary, receiving } from "./boundary.ts"
import { listening } from "./listening.ts"
import { sendProblem } from "./problem.ts"
import { drainMs, Server, type ServerSettings } from "./Server.ts"
import { makeStatusRoutes } from "./statusRoutes.ts"

const nothingHere = "There is nothing here: this process works on jobs and serves no clients (PLAYHEAD_ROLES). It has /healthz, /readyz and /metrics."

export const statusServer = (settings: Pick<ServerSettings, "host" | "port" | "publicUrl" | "corsOrigins">) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const { answer } = yield* makeBoundary()
      const statusRoute = yield* makeStatusRoutes(makeAdmission(yield* Effect.context<Access | RateLimits>()))
      let url = settings.publicUrl(settings.port)
      const { port } = yield* listening({
        host: settings.host,
        port: settings.port,
        drainMs,
        listener: receiving(() => ({ corsOrigins: settings.corsOrigins, publicUrl: url }), (arrived) => {
          const status = statusRoute(arrived.target?.pathname)
          if (status === undefined) sendProblem(arrived.response, 404, nothingHere)
          else answer(arrived, status(arrived))
        }),
        beforeDrain: () => Promise.resolve()
      })
      url = settings.publicUrl(port)
      return Server.of({ port, url })
    })
  )
