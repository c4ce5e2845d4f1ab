import { Effect } from "effect"
import type { WebhookTopic } from "../../domain/Webhook.ts"
import type { Transaction } from "../../persistence/Database.ts"

/** Told when there is something to send. A hint to look, never the news itself. */
export const webhookChannel = "playhead_webhook"

/** How long a message is tried. */
export const retryHours = 24

export interface WebhookPayload {
  readonly occurredAt: Date
  /** As JSON; ids in it are those of the API. */
  readonly data: Readonly<Record<string, unknown>>
}

/** JOB_SUCCEEDED as receivers read it: `job.succeeded`. */
const typeOf = (topic: WebhookTopic): string => topic.toLowerCase().replace("_", ".")

/**
 * Writes a message for every receiver of the topic, in the transaction in which what it tells of happens: so none is
 * sent of what did not happen, and none is missing of what did. Its body is fixed here for good.
 */
export const enqueueWebhook = (tx: Transaction, topic: WebhookTopic, { data, occurredAt }: WebhookPayload): Effect.Effect<void> =>
  // The lock is that of the foreign key: a receiver that is being deleted is left out, and fails nothing.
  tx.execute(
    `with receiver as (select id from webhook_endpoint where enabled and $1 = any(topics) for key share),
     written as (
       insert into webhook_delivery (id, endpoint_id, topic, body, next_attempt_at, retry_until, created_at)
       select gen_random_uuid(), id, $1, $2, now(), now() + interval '${retryHours} hours', clock_timestamp() from receiver
       returning id
     )
     select pg_notify('${webhookChannel}', '') from written limit 1`,
    [topic, JSON.stringify({ type: typeOf(topic), timestamp: occurredAt.toISOString(), data })]
  )
