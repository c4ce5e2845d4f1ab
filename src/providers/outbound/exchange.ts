/** One HTTP/1.1 request over one connection of its own, to checked addresses only. */
import http from "node:http"
import https from "node:https"
import type { Socket } from "node:net"
import { Cause, Clock, Effect, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Pull } from "effect/Pull"
import type { SourceUnreachableError, TimedOutError } from "../../domain/errors.ts"
import type { AdmittedUrl } from "./AddressPolicy.ts"
import type { Dialer } from "./dial.ts"
import { broken, timedOut, unreachable } from "./faults.ts"

export interface ExchangeRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** The end of all waiting, and of each single wait. */
export interface TimeLimits {
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  /** On the monotonic clock. */
  readonly deadlineNanos: bigint
}

export interface Exchange {
  readonly response: http.IncomingMessage
  /** Settles when the connection has ended; until then the source may send more than its answer. */
  readonly closed: Promise<void>
  /** What was wrong with the bytes on the line, if anything was. */
  readonly lineFault: () => unknown
  readonly abandon: () => void
}

const maxHeaderBytes = 16 * 1024
/** The source was asked to close after its answer; one that keeps the line open and silent is not waited for any longer. */
const closingGraceMs = 250

/** Fails with TimedOutError when `effect` takes longer than one wait, or the whole, may. */
export const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  url: URL,
  limits: TimeLimits
): Effect.Effect<A, E | TimedOutError, R> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const leftMs = Math.max(0, Number(limits.deadlineNanos - now) / 1e6)
    const wholeEnds = leftMs <= limits.idleTimeoutMs
    return Effect.timeoutOrElse(effect, {
      duration: wholeEnds ? leftMs : limits.idleTimeoutMs,
      orElse: () =>
        Effect.fail(
          wholeEnds ? timedOut(url, limits.timeoutMs, "finish") : timedOut(url, limits.idleTimeoutMs, "send anything")
        )
    })
  })

/**
 * Node closes the socket at the announced length, so that whether surplus bytes are seen would hang on how they were cut
 * into packets. This ends only our side, and goes on reading what the source has sent already.
 */
const readToTheEnd = (socket: Socket, onSurplus: () => void): Promise<void> =>
  new Promise((resolve) => {
    socket.once("close", () => resolve())
    socket.destroySoon = () => {
      socket.once("data", () => {
        onSurplus()
        socket.destroy()
      })
      socket.end()
    }
  })

/**
 * Sends the request and waits for the headers of the answer. The connection lives as long as the scope, and is shared
 * with nothing: no pool, no agent, no proxy from the environment.
 */
export const exchange = Effect.fnUntraced(function* (
  target: AdmittedUrl,
  addresses: ReadonlyArray<string>,
  dial: Dialer,
  { method, headers, body }: ExchangeRequest,
  limits: TimeLimits
) {
  const { url, host, port } = target
  const secure = url.protocol === "https:"
  const begin = Effect.sync(() => {
    let lineFault: unknown
    let closed: Promise<void> = Promise.resolve()
    const request = (secure ? https : http).request({
      method,
      host,
      port,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, connection: "close", "accept-encoding": "identity" },
      maxHeaderSize: maxHeaderBytes,
      // Without an agent: no pool, and no proxy from the environment.
      createConnection: () => {
        const socket = dial({ host, port, addresses, secure })
        closed = readToTheEnd(socket, () => (lineFault ??= new Error("bytes behind the end of the answer")))
        return socket
      }
    })
    const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on("response", resolve)
      request.on("error", (cause) => {
        lineFault ??= cause
        reject(cause)
      })
      request.on("close", () => reject(new Error("closed before an answer")))
    })
    // Whoever waits hears of it; when nobody does any more, it is no unhandled rejection.
    answer.catch(() => {})
    request.end(body)
    return { request, answer, closed, lineFault: () => lineFault }
  })
  const { request, answer, closed, lineFault } = yield* Effect.acquireRelease(begin, (begun) =>
    Effect.sync(() => begun.request.destroy())
  )
  const response = yield* within(
    Effect.tryPromise({ try: () => answer, catch: (cause) => unreachable(url, cause) }),
    url,
    limits
  )
  // From here faults are read from `response.errored`; an "error" event without a listener would end the process.
  response.on("error", () => {})
  return { response, closed, lineFault, abandon: () => request.destroy() } satisfies Exchange
})

/** The bytes of the answer as they arrive, each element being all that had arrived. Can be run once. */
export const bodyOf = (
  { response, closed, lineFault }: Exchange,
  url: URL,
  limits: TimeLimits
): Stream.Stream<Uint8Array, SourceUnreachableError | TimedOutError> => {
  type Next = Pull<NonEmptyReadonlyArray<Uint8Array>, SourceUnreachableError | TimedOutError>
  const finish: Next = Effect.promise(() => closed).pipe(
    Effect.timeoutOrElse({ duration: closingGraceMs, orElse: () => Effect.void }),
    Effect.flatMap((): Next =>
      lineFault() === undefined ? Cause.done() : Effect.fail(broken(url, "it sent more than it had announced."))
    )
  )
  const next = (): Next | undefined => {
    if (response.errored !== null) return Effect.fail(unreachable(url, lineFault() ?? response.errored))
    const bytes = response.read() as Buffer | null
    if (bytes !== null) return Effect.succeed([bytes])
    if (response.readableEnded) return finish
    if (response.destroyed) return Effect.fail(broken(url, "it broke off the connection."))
    return undefined
  }
  // Looking and listening happen in one turn, so that nothing can arrive between them unnoticed.
  const wait: Next = Effect.callback<
    NonEmptyReadonlyArray<Uint8Array>,
    SourceUnreachableError | TimedOutError | Cause.Done
  >((resume) => {
    const events = ["readable", "end", "error", "close"] as const
    const stop = () => events.forEach((event) => response.off(event, wake))
    const wake = () => {
      const found = next()
      if (found === undefined) return
      stop()
      resume(found)
    }
    for (const event of events) response.on(event, wake)
    wake()
    return Effect.sync(stop)
  })
  const pull: Next = Effect.flatMap(Clock.monotonicTimeNanos, (now): Next =>
    now >= limits.deadlineNanos
      ? Effect.fail(timedOut(url, limits.timeoutMs, "finish"))
      : (next() ?? within(wait, url, limits))
  )
  return Stream.fromPull(Effect.succeed(pull))
}
