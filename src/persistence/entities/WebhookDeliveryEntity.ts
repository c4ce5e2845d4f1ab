import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { WebhookTopic } from "../../domain/Webhook.ts"
import { oneOf } from "./checks.ts"
import { WebhookEndpointEntity } from "./WebhookEndpointEntity.ts"

/** One message for one receiver. Its body is fixed when it comes into being and never changes. */
export const WebhookDeliveryEntity = defineEntity({
  name: "WebhookDelivery",
  tableName: "webhook_delivery",
  properties: {
    id: p.uuid().primary(),
    endpointId: () => p.manyToOne(WebhookEndpointEntity).mapToPk().fieldName("endpoint_id").deleteRule("cascade"),
    topic: p.text().$type<WebhookTopic>(),
    /** The exact text that is signed and sent. */
    body: p.text(),
    /** How often it was sent, ever; also the fencing token of the attempt that may write. */
    attempts: p.integer().default(0),
    /** How often since it was enqueued or, later, asked for again. */
    tries: p.integer().default(0),
    /** Of the last answer; null while there was none. */
    httpStatus: p.integer().nullable(),
    /** When it is due, or, during an attempt, when that is taken for lost; null where nothing more is to be sent. */
    nextAttemptAt: p.datetime(3).nullable(),
    /** An attempt that fails after this is the last. */
    retryUntil: p.datetime(3),
    deliveredAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3)
  },
  checks: [{ name: "webhook_delivery_topic_check", expression: oneOf("topic", WebhookTopic.literals) }],
  indexes: [
    { name: "webhook_delivery_due_index", properties: ["endpointId", "nextAttemptAt"], where: "next_attempt_at is not null" },
    {
      name: "webhook_delivery_newest_index",
      columns: [{ name: "endpointId" }, { name: "createdAt", sort: "DESC" }],
      properties: ["endpointId", "createdAt"]
    }
  ]
})
export type WebhookDeliveryEntity = InferEntity<typeof WebhookDeliveryEntity>
