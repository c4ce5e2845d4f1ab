import { Context, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { InvalidInputError, NotFoundError, type SourceBlockedError } from "../../domain/errors.ts"
import type { WebhookTopic } from "../../domain/Webhook.ts"
import { Database } from "../../persistence/Database.ts"
import { OutboundHttp } from "../../providers/outbound/OutboundHttp.ts"
import { restart } from "./claims.ts"
import { webhookChannel } from "./enqueue.ts"
import { makeSecret } from "./signature.ts"

/** Each end of a job writes a row for each receiver. */
const maxEndpoints = 100

/** Checked by whoever calls: see graphql/operations. */
export interface NewEndpoint {
  readonly url: string
  readonly topics: ReadonlyArray<WebhookTopic>
}

export interface CreatedEndpoint {
  readonly endpointId: string
  /** Nobody is told it again. */
  readonly secret: Redacted.Redacted<string>
}

/** The receivers of webhooks. Ids are bare uuids. */
export class Webhooks extends Context.Service<Webhooks, {
  /** An address that leads to a private one only by its name is refused later, each time that something is to be sent. */
  readonly create: (endpoint: NewEndpoint) => Effect.Effect<CreatedEndpoint, InvalidInputError | SourceBlockedError>
  /** What was still to be sent to it is not. */
  readonly remove: (endpointId: string) => Effect.Effect<void, NotFoundError>
  /** Sends a message again, under its id and with its body, and goes on for as long as with a new one. Its receiver is enabled, if it was not. */
  readonly redeliver: (deliveryId: string) => Effect.Effect<void, NotFoundError>
}>()("playhead/operations/webhooks/Webhooks") {
  static readonly layer = Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const database = yield* Database
      const outbound = yield* OutboundHttp
      const random = yield* SecureRandom.SecureRandom

      const create = Effect.fn("Webhooks.create")(function* (endpoint: NewEndpoint) {
        yield* outbound.admit(endpoint.url)
        const endpointId = yield* random.uuidV7()
        const secret = yield* Effect.provideService(makeSecret, SecureRandom.SecureRandom, random)
        yield* database.transaction((tx) => Effect.gen(function* () {
          // Or two at once could both be the last.
          yield* tx.query("select pg_advisory_xact_lock(hashtextextended('webhook_endpoint', 0))")
          const rows = yield* tx.query<{ count: number }>("select count(*)::int as count from webhook_endpoint")
          if ((rows[0]?.count ?? 0) >= maxEndpoints) {
            const message = `There are ${maxEndpoints} endpoints already, which is as many as there can be: delete one that is not needed`
            return yield* new InvalidInputError({ message: `${message}.`, issues: [{ path: [], message }] })
          }
          yield* tx.execute(
            "insert into webhook_endpoint (id, url, topics, secret, created_at) values ($1, $2, $3, $4, clock_timestamp())",
            [endpointId, endpoint.url, [...new Set(endpoint.topics)], Redacted.value(secret)]
          )
        }))
        return { endpointId, secret }
      })

      const remove = Effect.fn("Webhooks.remove")(function* (endpointId: string) {
        const rows = yield* database.transaction((tx) => tx.query("delete from webhook_endpoint where id = $1 returning id", [endpointId]))
        if (rows.length === 0) return yield* new NotFoundError({ message: "There is no such endpoint.", id: endpointId })
      })

      const redeliver = Effect.fn("Webhooks.redeliver")(function* (deliveryId: string) {
        const found = yield* database.transaction((tx) =>
          Effect.tap(restart(tx, deliveryId), (found) => found ? tx.notify(webhookChannel, "") : Effect.void)
        )
        if (!found) return yield* new NotFoundError({ message: "There is no such delivery: it was never made, or is long over.", id: deliveryId })
      })

      return Webhooks.of({ create, remove, redeliver })
    })
  )
}
