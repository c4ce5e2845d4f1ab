/** Receivers of webhooks and what is sent to them, as the API reads them: never a secret, never a body. */
import { Effect } from "effect"
import type { WebhookTopic } from "../../domain/Webhook.ts"
import { Database } from "../Database.ts"

export interface WebhookEndpointRecord {
  readonly id: string
  readonly url: string
  readonly topics: ReadonlyArray<WebhookTopic>
  readonly enabled: boolean
  readonly createdAt: Date
}

export interface WebhookDeliveryRecord {
  readonly id: string
  readonly endpointId: string
  readonly topic: WebhookTopic
  readonly attempts: number
  readonly delivered: boolean
  readonly httpStatus: number | null
  readonly nextAttemptAt: Date | null
  readonly createdAt: Date
}

const endpointColumns = `id, url, topics, enabled, created_at as "createdAt"`
const deliveryColumns = `
  d.id, d.endpoint_id as "endpointId", d.topic, d.attempts, d.delivered_at is not null as delivered, d.http_status as "httpStatus",
  d.next_attempt_at as "nextAttemptAt", d.created_at as "createdAt"`

/** Oldest first. */
export const webhookEndpoints = Effect.gen(function* () {
  const database = yield* Database
  return yield* database.query<WebhookEndpointRecord>("webhookEndpoints", `select ${endpointColumns} from webhook_endpoint order by created_at, id`)
})

export const webhookEndpointsById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<WebhookEndpointRecord>("webhookEndpoints.byId", `select ${endpointColumns} from webhook_endpoint where id = any($1::uuid[])`, [ids])
})

export const webhookDeliveriesById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<WebhookDeliveryRecord>("webhookDeliveries.byId", `select ${deliveryColumns} from webhook_delivery d where d.id = any($1::uuid[])`, [ids])
})

export interface WebhookDeliveriesRequest {
  readonly endpointId: string
  readonly first: number
}

/** As many of each endpoint as asked for it, newest first. */
export const webhookDeliveriesByEndpoint = Effect.fnUntraced(function* (asked: ReadonlyArray<WebhookDeliveriesRequest>) {
  const database = yield* Database
  return yield* database.query<WebhookDeliveryRecord & { readonly asked: number }>(
    "webhookDeliveries.byEndpoint",
    `select a.n::int as asked, ${deliveryColumns}
     from unnest($1::uuid[], $2::int[]) with ordinality as a (endpoint_id, first, n)
     cross join lateral (
       select * from webhook_delivery where endpoint_id = a.endpoint_id order by created_at desc, id desc limit a.first
     ) as d
     order by a.n, d.created_at desc, d.id desc`,
    [asked.map(({ endpointId }) => endpointId), asked.map(({ first }) => first)]
  )
})
