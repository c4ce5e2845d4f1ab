/** What a public catalogue knows of a recording, by its artist and title: the iTunes Search API, where one is named. */
import { Clock, Context, Effect, Layer, Option, Ref, Schema, Stream } from "effect"
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
  /** After a failure nobody asks for so long, unless the catalogue names a longer time. Default 1 min. */
  readonly pauseMs?: number
}

export class MetadataLookup extends Context.Service<MetadataLookup, {
  /** Null when it is not configured, knows nothing that fits, or fails: then it is left alone for a while, and the log says so. */
  readonly find: (recording: { readonly artist: string; readonly title: string }) => Effect.Effect<CatalogueEntry | null>
  /** The bytes of a cover that an entry names; null when there is none to be had. */
  readonly cover: (entry: CatalogueEntry) => Effect.Effect<Uint8Array | null>
}>()("playhead/providers/MetadataLookup") {
  /** The catalogue's address may be a private one; what it refers to is fetched by the rules for all outside addresses. */
  static readonly layer = ({ baseUrl, pauseMs = 60_000, timeoutMs = 5_000 }: LookupSettings): Layer.Layer<MetadataLookup, never, OutboundHttp> =>
    baseUrl === undefined
      ? Layer.succeed(MetadataLookup, { find: () => Effect.succeed(null), cover: () => Effect.succeed(null) })
      : asking({ baseUrl, pauseMs, timeoutMs })
}

class CatalogueFault extends Schema.TaggedError<CatalogueFault>()("CatalogueFault", { message: Schema.String, retryAfterMs: Schema.UndefinedOr(Schema.Number) }) {}

const decodeAnswer = Schema.decodeUnknownOption(Schema.fromJsonString(SearchAnswer))

const asking = ({ baseUrl, pauseMs, timeoutMs }: { readonly baseUrl: string; readonly pauseMs: number; readonly timeoutMs: number }) =>
  Layer.effect(
    MetadataLookup,
    Effect.gen(function* () {
      const outbound = yield* OutboundHttp
      const silentUntil = yield* Ref.make(0)
      const fault = (message: string, retryAfterMs?: number) => new CatalogueFault({ message, retryAfterMs })

      const bytesOf = Effect.fnUntraced(function* (response: OutboundResponse, maxBytes: number) {
        if (response.status !== 200) return yield* fault(`it answered with status ${response.status}`, retryAfterMs(response.headers["retry-after"], yield* Clock.currentTimeMillis))
        const parts: Array<Uint8Array> = []
        let size = 0
        yield* Stream.runForEach(response.body, (part) => {
          size += part.length
          parts.push(part)
          return size > maxBytes ? Effect.fail(fault("its answer is too long")) : Effect.void
        })
        return Buffer.concat(parts)
      })
      const get = (url: string, maxBytes: number) =>
        Effect.flatMap(outbound.open(url, { timeoutMs, idleTimeoutMs: timeoutMs }), (response) => bytesOf(response, maxBytes)).pipe(Effect.scoped)

      const unlessSilent = <A>(ask: Effect.Effect<A, CatalogueFault | OutboundFault>): Effect.Effect<A | null> =>
        Effect.gen(function* () {
          if ((yield* Clock.currentTimeMillis) < (yield* Ref.get(silentUntil))) return null
          return yield* ask
        }).pipe(
          Effect.catch((failure) =>
            Effect.gen(function* () {
              const waitMs = Math.max(pauseMs, "retryAfterMs" in failure ? failure.retryAfterMs ?? 0 : 0)
              yield* Ref.set(silentUntil, (yield* Clock.currentTimeMillis) + waitMs)
              yield* Effect.logWarning(`The metadata catalogue failed and is left alone for ${Math.round(waitMs / 1000)} s`, failure)
              return null
            })
          )
        )

      const search = Effect.fnUntraced(function* (recording: { readonly artist: string; readonly title: string }) {
        const url = new URL(`${baseUrl.replace(/\/+$/, "")}/search`)
        url.search = new URLSearchParams({ term: `${recording.artist} ${recording.title}`, media: "music", entity: "song", limit: "10" }).toString()
        const answer = decodeAnswer((yield* get(url.href, maxAnswerBytes)).toString("utf8"))
        if (Option.isNone(answer)) return yield* fault("its answer is not one of the iTunes Search API")
        return bestMatch(recording, answer.value.results)
      })

      return MetadataLookup.of({
        find: Effect.fn("MetadataLookup.find")((recording) => unlessSilent(search(recording))),
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
