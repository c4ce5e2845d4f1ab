/** The public keys of whoever issues JSON Web Tokens: fetched when first needed, kept, and fetched again as they rotate. */
import { Clock, Effect, Schema, Semaphore, Stream } from "effect"
import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from "jose"
import { ProviderError } from "../domain/errors.ts"
import { OutboundHttp } from "../providers/outbound/OutboundHttp.ts"

const freshMs = 10 * 60_000
/** Tokens with keys that nobody knows must not make us a burden to the issuer. */
const againAfterMs = 30_000
const maxBytes = 256 * 1024
const timeoutMs = 5_000

const Document = Schema.fromJsonString(Schema.Struct({ keys: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) }))

const failed = (message: string, reason: "UNAVAILABLE" | "INVALID_RESPONSE", cause?: unknown) =>
  new ProviderError({ message, provider: "token issuer", reason, ...(cause !== undefined && { cause }) })

export interface KeySet {
  /** The keys as they were found within the last minutes. */
  readonly current: Effect.Effect<LocalJWKSet, ProviderError>
  /** The keys as they are now, for a token with a key that is not among the known ones; undefined when they were fetched just before. */
  readonly renewed: Effect.Effect<LocalJWKSet | undefined, ProviderError>
}

export const makeKeySet = Effect.fnUntraced(function* (url: string) {
  const outbound = yield* OutboundHttp
  const alone = Semaphore.makeUnsafe(1)
  let known: LocalJWKSet | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let readAt = Number.NEGATIVE_INFINITY

  const fetched = Effect.gen(function* () {
    const response = yield* outbound.open(url, { timeoutMs, idleTimeoutMs: timeoutMs, headers: { accept: "application/json" } })
    if (response.status !== 200) return yield* failed(`The keys of the token issuer could not be fetched: it answered with status ${response.status}.`, "UNAVAILABLE")
    let size = 0
    const chunks = yield* Stream.runCollect(Stream.takeWhile(response.body, (chunk) => (size += chunk.length) <= maxBytes))
    if (size > maxBytes) return yield* failed("The keys of the token issuer are longer than they can be.", "INVALID_RESPONSE")
    const document = yield* Schema.decodeUnknownEffect(Document)(Buffer.concat(chunks).toString())
    // What is in them jose looks at when it uses them.
    return createLocalJWKSet(document as unknown as JSONWebKeySet)
  }).pipe(
    Effect.scoped,
    Effect.catchTag("SchemaError", (error) => Effect.fail(failed("The token issuer answered with something that is no set of keys.", "INVALID_RESPONSE", error))),
    Effect.catchTag(["SourceBlockedError", "SourceUnreachableError", "TimedOutError"], (error) =>
      Effect.fail(failed(`The keys of the token issuer could not be fetched: ${error.message}`, "UNAVAILABLE", error)))
  )

  const fetchNow = Effect.gen(function* () {
    triedAt = yield* Clock.currentTimeMillis
    known = yield* fetched
    readAt = triedAt
    return known
  })

  const current = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (known !== undefined && (now - readAt < freshMs || now - triedAt < againAfterMs)) return known
    const before = known
    if (before === undefined) return yield* fetchNow
    // An issuer that is out of order for a while locks nobody out.
    return yield* fetchNow.pipe(Effect.catchTag("ProviderError", (failure) => Effect.as(Effect.logWarning(failure.message), before)))
  }).pipe(alone.withPermits(1))

  const renewed = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    return now - triedAt < againAfterMs ? undefined : yield* fetchNow
  }).pipe(alone.withPermits(1))

  return { current, renewed } satisfies KeySet
})
