/** What a public catalogue knows of a recording, by its artist and title: the iTunes Search API, where one is named. */
import { Clock, Context, Effect, Layer, Option, Schema, Stream } from "effect"
import { ProviderError, type ProviderErrorReason } from "../../domain/errors.ts"
import { Guard } from "../guard/Guard.ts"
import { OutboundHttp, type OutboundFault, type OutboundResponse } from "../outbound/OutboundHttp.ts"
import { retryAfterMs } from "../outbound/retryAfter.ts"
import { bestMatch, type CatalogueEntry, SearchAnswer } from "./match.ts"

const maxAnswerBytes = 1024 * 1024
const maxCoverBytes = 10 * 1024 * 1024

export interface LookupSettings {
  /** Undefined asks nobody. */
  readonly baseUrl: string | undefined
  /** A catalogue is a help and no more: an import does not wait for one answer longer than this. Default 5 s. */
  readonly timeoutMs?: number
}

export class MetadataLookup extends Context.Service<MetadataLookup, {
  /** Null when it is not configured, knows nothing that fits, or fails: the log says so then. */
  readonly find: (recording: { readonly artist: string; readonly title: string }) => Effect.Effect<CatalogueEntry | null>
  /** The bytes of a cover that an entry names; null when there is none to be had. */
  readonly cover: (entry: CatalogueEntry) => Effect.Effect<Uint8Array | null>
}>()("playhead/providers/MetadataLookup") {
  /** The catalogue's address may be a private one; what it refers to is fetched by the rules for all outside addresses. */
  static readonly layer = ({ baseUrl, timeoutMs = 5_000 }: LookupSettings): Layer.Layer<MetadataLookup, never, OutboundHttp | Guard> =>
    baseUrl === undefined
      ? Layer.succeed(MetadataLookup, { find: () => Effect.succeed(null), cover: () => Effect.succeed(null) })
      : asking({ baseUrl, timeoutMs })
}

const decodeAnswer = Schema.decodeUnknownOption(Schema.fromJsonString(SearchAnswer))

const fault = (reason: ProviderErrorReason, message: string, more: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {}) =>
  new ProviderError({ message: `The metadata catalogue failed: ${message}`, provider: "itunes", reason, retryAfterMs: more.retryAfterMs ?? null, cause: more.cause })

const reasonOfStatus = (status: number): ProviderErrorReason => {
  if (status === 429) return "RATE_LIMITED"
  return status >= 500 || status === 408 ? "UNAVAILABLE" : "REJECTED"
}

/** What it means for the catalogue that an outside address could not be read. */
const unreachable = (failure: OutboundFault): ProviderError => {
  if (failure._tag === "TimedOutError") return fault("TIMED_OUT", failure.message, { cause: failure })
  return fault(failure._tag === "SourceBlockedError" ? "REJECTED" : "UNAVAILABLE", failure.message, { cause: failure })
}

const asking = ({ baseUrl, timeoutMs }: { readonly baseUrl: string; readonly timeoutMs: number }) =>
  Layer.effect(
    MetadataLookup,
    Effect.gen(function* () {
      const outbound = yield* OutboundHttp
      const guard = yield* Guard

      const bytesOf = Effect.fnUntraced(function* (response: OutboundResponse, maxBytes: number) {
        if (response.status !== 200) {
          return yield* fault(reasonOfStatus(response.status), `it answered with status ${response.status}.`, { retryAfterMs: retryAfterMs(response.headers["retry-after"], yield* Clock.currentTimeMillis) })
        }
        const parts: Array<Uint8Array> = []
        let size = 0
        yield* Stream.runForEach(response.body, (part) => {
          size += part.length
          parts.push(part)
          return size > maxBytes ? Effect.fail(fault("INVALID_RESPONSE", "its answer is too long.")) : Effect.void
        })
        return Buffer.concat(parts)
      })
      const get = (url: string, maxBytes: number) =>
        Effect.flatMap(outbound.open(url, { timeoutMs, idleTimeoutMs: timeoutMs }), (response) => bytesOf(response, maxBytes)).pipe(
          Effect.scoped,
          Effect.mapError((failure) => (failure._tag === "ProviderError" ? failure : unreachable(failure)))
        )

      const search = Effect.fnUntraced(function* (recording: { readonly artist: string; readonly title: string }) {
        const url = new URL(`${baseUrl.replace(/\/+$/, "")}/search`)
        url.search = new URLSearchParams({ term: `${recording.artist} ${recording.title}`, media: "music", entity: "song", limit: "10" }).toString()
        const answer = decodeAnswer((yield* get(url.href, maxAnswerBytes)).toString("utf8"))
        if (Option.isNone(answer)) return yield* fault("INVALID_RESPONSE", "its answer is not one of the iTunes Search API.")
        return bestMatch(recording, answer.value.results)
      })

      return MetadataLookup.of({
        find: Effect.fn("MetadataLookup.find")((recording) =>
          guard.call("itunes", search(recording)).pipe(
            Effect.catch((failure) => Effect.as(Effect.logInfo("An import goes without the metadata catalogue", failure), null))
          )
        ),
        // Kept elsewhere than the catalogue, and no sign of how well that is.
        cover: Effect.fn("MetadataLookup.cover")((entry) =>
          entry.coverUrl === null
            ? Effect.succeed(null)
            : get(entry.coverUrl, maxCoverBytes).pipe(
              Effect.catch((failure) => Effect.as(Effect.logInfo("A cover that the metadata catalogue names could not be fetched", failure), null))
            )
        )
      })
    })
  )
