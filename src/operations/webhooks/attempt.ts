/** One attempt to hand a message over. */
import { Clock, Effect, Stream } from "effect"
import { globalId } from "../../domain/globalId.ts"
import type { OutboundHttp } from "../../providers/outbound/OutboundHttp.ts"
import { retryAfterMs } from "../../providers/outbound/retryAfter.ts"
import type { ClaimedDelivery } from "./claims.ts"
import { signedHeaders } from "./signature.ts"

export type Outcome =
  | { readonly _tag: "Delivered"; readonly httpStatus: number }
  /** The receiver wants nothing more (410). */
  | { readonly _tag: "Gone"; readonly httpStatus: number }
  | {
    readonly _tag: "Failed"
    /** Null where there was no answer. */
    readonly httpStatus: number | null
    /** What the receiver asked for. */
    readonly retryAfterMs: number | undefined
    /** For the log. Names the receiver's host and nothing else of its address, which may hold a secret. */
    readonly reason: string
  }

/** What is read of an answer before the connection is closed: a receiver should be able to finish its sentence. */
const politeBytes = 16 * 1024
const politeness = "1 second"

/** Never fails. The receiver's answer is its status alone; redirects are not followed, as the message is for no other. */
export const attempt = Effect.fnUntraced(function* (outbound: OutboundHttp["Service"], { at, body, id, secret, url }: ClaimedDelivery, timeoutMs: number) {
  const headers = signedHeaders(secret, { id: globalId("WebhookDelivery", id), at, body })
  const bytes = Buffer.from(body)
  const response = yield* outbound.open(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "content-length": String(bytes.length) },
    body: bytes,
    timeoutMs,
    idleTimeoutMs: timeoutMs,
    maxRedirects: 0
  })
  yield* response.body.pipe(
    Stream.mapAccum(() => 0, (read, chunk) => [read + chunk.length, [read + chunk.length]]),
    Stream.takeWhile((read) => read < politeBytes),
    Stream.runDrain,
    Effect.timeoutOption(politeness),
    Effect.ignore
  )
  const { status } = response
  if (status >= 200 && status < 300) return { _tag: "Delivered", httpStatus: status } satisfies Outcome
  if (status === 410) return { _tag: "Gone", httpStatus: status } satisfies Outcome
  const obeyed = status === 429 || status === 503
  return {
    _tag: "Failed",
    httpStatus: status,
    retryAfterMs: obeyed ? retryAfterMs(response.headers["retry-after"], yield* Clock.currentTimeMillis) : undefined,
    reason: `It answered with status ${status}.`
  } satisfies Outcome
}, Effect.scoped, Effect.catch((failure) => Effect.succeed<Outcome>({ _tag: "Failed", httpStatus: null, retryAfterMs: undefined, reason: failure.message })))
