/** Where requests end: each is answered once, and what nobody expected is told of once, whichever route it met. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Effect, FiberSet, type Scope } from "effect"
import { RequestId } from "../domain/Origin.ts"
import { tellUnexpected, unexpectedMessage } from "../domain/unexpected.ts"
import { isOutage } from "../persistence/Database.ts"
import { type Asked, askedBy, requestIdHeader } from "./asked.ts"
import { allowListedOrigin, answerPreflight, isAllowedOrigin, type OriginPolicy } from "./crossSite.ts"
import { sendProblem } from "./problem.ts"

/** A request that may be answered. The target is null where it is no address. */
export interface Arrived {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: URL | null
  readonly asked: Asked
}

export interface Boundary<R> {
  /** Runs what answers the request, until its client goes away. */
  readonly answer: (arrived: Arrived, effect: Effect.Effect<void, unknown, R>) => void
  /** Tells of what nobody expected and, where there is a response, answers with a problem. */
  readonly unexpected: (error: unknown, arrived?: Arrived) => void
}

const refusedOrigin = "Pages of this origin may not call this server. List it in PLAYHEAD_CORS_ORIGINS, or set PLAYHEAD_PUBLIC_URL to the address that the page was served from."

/** By its path alone: what a client may write in front of it decides nothing. */
export const targetOf = (request: IncomingMessage): URL | null => URL.parse(`http://localhost${request.url ?? "/"}`)

/** What every request meets first: an id, and the rules for web pages. */
export const receiving = (origins: () => OriginPolicy, route: (arrived: Arrived) => void) => (request: IncomingMessage, response: ServerResponse): void => {
  const asked = askedBy(request.headers)
  response.setHeader(requestIdHeader, asked.requestId)
  allowListedOrigin(request, response, origins())
  if (!isAllowedOrigin(request.headers, origins())) return sendProblem(response, 403, refusedOrigin)
  if (answerPreflight(request, response)) return
  route({ request, response, target: targetOf(request), asked })
}

/** Lasts as long as the scope. */
export const makeBoundary = <R = never>(): Effect.Effect<Boundary<R>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const run = yield* FiberSet.makeRuntime<R>()
    const unexpected = (error: unknown, arrived?: Arrived): void => {
      const cause = Cause.isCause(error) ? error : Cause.die(error)
      const told = tellUnexpected(cause, { handled: isOutage(cause) }).pipe(Effect.provideService(RequestId, arrived?.asked.requestId))
      const incidentId = Effect.runSyncWith(context)(told)
      if (arrived !== undefined) sendProblem(arrived.response, 500, unexpectedMessage(incidentId))
    }
    return {
      unexpected,
      answer: (arrived, effect) => {
        const fiber = run(effect.pipe(
          Effect.catchCause((cause) => Effect.sync(() => unexpected(cause, arrived))),
          Effect.provideService(RequestId, arrived.asked.requestId)
        ))
        arrived.response.once("close", () => fiber.interruptUnsafe())
      }
    }
  })
