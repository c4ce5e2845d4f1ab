/** Who asks: the id under which the log has a request, and where it stands in its client's trace. */
import type { IncomingHttpHeaders } from "node:http"
import type { Tracer } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { fromTraceparent } from "../domain/Origin.ts"

export interface Asked {
  readonly requestId: string
  readonly caller: Tracer.ExternalSpan | undefined
}

export const requestIdHeader = "x-request-id"

/** What a proxy or a client may call a request: enough for any id, and nothing that would be more than an id in a log. */
const acceptable = /^[\w.:/+=-]{1,128}$/u

const one = (value: string | ReadonlyArray<string> | undefined): string | undefined => (typeof value === "string" ? value : undefined)

/** The id is the sender's (`X-Request-Id`) where it has the form of one, else a new one; the trace is named by `traceparent`. */
export const askedBy = (headers: IncomingHttpHeaders): Asked => {
  const given = one(headers[requestIdHeader])
  return {
    requestId: given !== undefined && acceptable.test(given) ? given : uuidV7Unsafe(),
    caller: fromTraceparent(one(headers["traceparent"]))
  }
}

/** Of an operation on a socket, which has no headers of its own: `extensions.traceparent` may name its trace. */
export const askedOnSocket = (extensions: Readonly<Record<string, unknown>> | null | undefined): Asked => {
  const traceparent = extensions?.["traceparent"]
  return { requestId: uuidV7Unsafe(), caller: typeof traceparent === "string" ? fromTraceparent(traceparent) : undefined }
}
