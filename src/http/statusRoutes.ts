/** `/healthz`, `/readyz` and `/metrics`, which every process serves, whatever its roles. */
import type { ServerResponse } from "node:http"
import { Effect } from "effect"
import { Health } from "../operations/Health.ts"
import { Metrics } from "../operations/metrics/Metrics.ts"
import { type Admission, bearerIn } from "./admission.ts"
import type { Arrived } from "./boundary.ts"
import { sendProblem } from "./problem.ts"

const send = (response: ServerResponse, status: number, contentType: string, body: string): void => {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body), "cache-control": "no-store" }).end(body)
}

const sendJson = (response: ServerResponse, status: number, value: unknown): void => send(response, status, "application/json", JSON.stringify(value))

/** What answers at a path, where these routes have it. */
export const makeStatusRoutes = Effect.fnUntraced(function* (admission: Admission) {
  const health = yield* Health
  const metrics = yield* Metrics

  const live = ({ response }: Arrived) => Effect.sync(() => sendJson(response, 200, { status: "HEALTHY" }))

  /** A balancer shows no key: whoever asks is told whether, and who may read is told why. */
  const ready = Effect.fnUntraced(function* ({ request, response }: Arrived) {
    const found = yield* health.check
    const mayRead = yield* Effect.isSuccess(admission.admit(bearerIn(request.headers.authorization), "READ"))
    sendJson(response, found.status === "UNHEALTHY" ? 503 : 200, mayRead ? found : { status: found.status })
  })

  const exposition = ({ request, response }: Arrived) =>
    Effect.matchEffect(admission.admit(bearerIn(request.headers.authorization), "READ"), {
      onFailure: (refused) => Effect.sync(() => sendProblem(response, refused.status, refused.message, refused.headers)),
      onSuccess: () => Effect.map(metrics.exposition, (text) => send(response, 200, "text/plain; version=0.0.4; charset=utf-8", text))
    })

  const routes = new Map<string | undefined, (arrived: Arrived) => Effect.Effect<void>>([["/healthz", live], ["/readyz", ready], ["/metrics", exposition]])
  return (path: string | undefined) => routes.get(path)
})
