/**
 * HTTP to addresses that others name: sources of imports, receivers of webhooks. Every hop is resolved once, all its
 * addresses are checked, and the connection goes to those addresses and no others, so nothing can change between the
 * check and the connection. See docs/decisions.md for why this is node:http and not a pooled client.
 */
import type { IncomingHttpHeaders } from "node:http"
import { Clock, Context, Effect, Layer, type Scope, type Stream } from "effect"
import type {
  SourceBlockedError,
  SourceUnreachableError,
  StorageError,
  TimedOutError,
  TooLargeError
} from "../../domain/errors.ts"
import { SourceUnreachableError as Unreachable } from "../../domain/errors.ts"
import { receiveFile, tooLarge } from "../receiveFile.ts"
import { type AdmittedUrl, type AllowedSource, makeAddressPolicy } from "./AddressPolicy.ts"
import { type Dialer, type Resolver, systemDialer, systemResolver } from "./dial.ts"
import { bodyOf, exchange, type ExchangeRequest, type TimeLimits, within } from "./exchange.ts"
import { broken, unreachable } from "./faults.ts"
import { redirected } from "./redirect.ts"
import { retryAfterMs } from "./retryAfter.ts"
import { sourceFilename } from "./sourceFilename.ts"

export type OutboundFault = SourceBlockedError | SourceUnreachableError | TimedOutError

export interface OpenOptions {
  /** For everything, from resolving the name to the last byte. */
  readonly timeoutMs: number
  /** For each single wait: for the answer, and for the next bytes. */
  readonly idleTimeoutMs: number
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Default 5. With 0, a redirect is returned as the answer. */
  readonly maxRedirects?: number
}

export interface OutboundResponse {
  /** Any status that is not a redirect; a 404 is an answer here. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly finalUrl: string
  /** Undefined when the source does not say. */
  readonly announcedBytes: number | undefined
  /** As sent, can be run once, within the scope. It fails when it is cut short or longer than announced. */
  readonly body: Stream.Stream<Uint8Array, SourceUnreachableError | TimedOutError>
}

export interface DownloadOptions {
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Default 30 s. */
  readonly idleTimeoutMs?: number
  /** Called after each batch of some hundred kilobytes; `announcedBytes` as the source says. */
  readonly onProgress?: (receivedBytes: number, announcedBytes: number | undefined) => Effect.Effect<void>
}

export interface Download {
  readonly sizeBytes: number
  readonly sha256: string
  readonly finalUrl: string
  /** As the source claims, without parameters: a hint, not a fact. */
  readonly mediaType: string | undefined
  readonly filename: string | undefined
}

export interface OutboundSettings {
  /** Hosts that may be reached although private. */
  readonly allowedSources: ReadonlyArray<AllowedSource>
  readonly resolve?: Resolver
  readonly dial?: Dialer
}

const announcedBytes = (headers: IncomingHttpHeaders): number | undefined =>
  headers["content-length"] === undefined ? undefined : Number(headers["content-length"])

export class OutboundHttp extends Context.Service<
  OutboundHttp,
  {
    /** Refuses what can be refused of an address without asking anybody: its scheme, its port, a private address in it. */
    admit(url: string): Effect.Effect<void, SourceBlockedError>
    /** Sends one request and follows redirects, each checked like the first. The connection closes with the scope. */
    open(url: string, options: OpenOptions): Effect.Effect<OutboundResponse, OutboundFault, Scope.Scope>
    /**
     * Fetches a whole file to `toPath`, which must not exist. Unless it succeeds no file is left. A status other than 200
     * is a SourceUnreachableError with that status, and with `retryAfterMs` where the source asks to wait.
     */
    download(
      url: string,
      toPath: string,
      options: DownloadOptions
    ): Effect.Effect<Download, OutboundFault | TooLargeError | StorageError>
  }
>()("playhead/providers/outbound/OutboundHttp") {
  static readonly layer = ({ allowedSources, resolve = systemResolver, dial = systemDialer }: OutboundSettings) =>
    Layer.sync(OutboundHttp, () => {
      const policy = makeAddressPolicy(allowedSources)

      const checkedAddresses = Effect.fnUntraced(function* (target: AdmittedUrl, limits: TimeLimits) {
        const addresses =
          target.literal !== undefined
            ? [target.literal]
            : yield* within(
                Effect.tryPromise({
                  try: () => resolve(target.host),
                  catch: (cause) => unreachable(target.url, cause)
                }),
                target.url,
                limits
              )
        if (addresses.length === 0) return yield* broken(target.url, "its name has no address.")
        // One bad address refuses them all: a name that mixes public and private addresses is an attack or a mistake.
        for (const address of addresses) yield* Effect.fromResult(policy.admitAddress(target, address))
        return addresses
      })

      const admit = Effect.fn("OutboundHttp.admit")(function* (address: string) {
        const target = yield* Effect.fromResult(policy.admitUrl(address))
        // RFC 6761: these names are the loopback address, whatever a resolver says.
        const literal = target.literal ?? (/(^|\.)localhost\.?$/.test(target.host) ? "127.0.0.1" : undefined)
        if (literal !== undefined) yield* Effect.fromResult(policy.admitAddress(target, literal))
      })

      const open = Effect.fn("OutboundHttp.open")(function* (address: string, options: OpenOptions) {
        const { timeoutMs, idleTimeoutMs, maxRedirects = 5 } = options
        const deadlineNanos = (yield* Clock.monotonicTimeNanos) + BigInt(Math.round(timeoutMs * 1e6))
        const limits: TimeLimits = { timeoutMs, idleTimeoutMs, deadlineNanos }
        let request: ExchangeRequest = {
          method: options.method ?? "GET",
          headers: { "user-agent": "playhead", accept: "*/*", ...options.headers },
          body: options.body
        }
        let target = yield* Effect.fromResult(policy.admitUrl(address))
        for (let hop = 0; ; hop++) {
          const addresses = yield* checkedAddresses(target, limits)
          const answer = yield* exchange(target, addresses, dial, request, limits)
          const { statusCode = 0, headers } = answer.response
          const next = maxRedirects === 0 ? undefined : redirected(target.url, statusCode, headers.location, request)
          if (next === undefined) {
            return {
              status: statusCode,
              headers,
              finalUrl: target.url.href,
              announcedBytes: announcedBytes(headers),
              body: bodyOf(answer, target.url, limits)
            }
          }
          answer.abandon()
          if (hop === maxRedirects) {
            return yield* broken(target.url, `it redirected more than ${maxRedirects} times.`, statusCode)
          }
          target = yield* Effect.fromResult(policy.admitUrl(next.url))
          request = next.request
        }
      })

      const download = Effect.fn("OutboundHttp.download")(function* (
        address: string,
        toPath: string,
        options: DownloadOptions
      ) {
        const { maxBytes, timeoutMs, idleTimeoutMs = 30_000, onProgress } = options
        const response = yield* open(address, { timeoutMs, idleTimeoutMs })
        const url = new URL(response.finalUrl)
        const announced = response.announcedBytes
        if (response.status !== 200) {
          const waitMs = retryAfterMs(response.headers["retry-after"], yield* Clock.currentTimeMillis)
          return yield* new Unreachable({
            message: `${url.host} answered with status ${response.status} instead of the file.`,
            url: url.href,
            httpStatus: response.status,
            ...(waitMs !== undefined && { retryAfterMs: waitMs })
          })
        }
        const encoding = response.headers["content-encoding"] ?? "identity"
        if (encoding !== "identity") {
          return yield* broken(
            url,
            `it sent the file ${encoding.slice(0, 40)}-encoded although plain bytes were asked for.`,
            200
          )
        }
        if (announced !== undefined && announced > maxBytes) return yield* tooLarge(maxBytes, announced)
        const received = yield* receiveFile(response.body, toPath, {
          maxBytes,
          onProgress: onProgress && ((receivedBytes) => onProgress(receivedBytes, announced))
        })
        return {
          ...received,
          finalUrl: response.finalUrl,
          mediaType: response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() || undefined,
          filename: sourceFilename(url, response.headers["content-disposition"])
        }
      }, Effect.scoped)

      return OutboundHttp.of({ admit, open, download })
    })
}
