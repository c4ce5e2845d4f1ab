import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import type { WebhookTopic } from "../../domain/Webhook.ts"

/** A receiver of webhooks. */
export const WebhookEndpointEntity = defineEntity({
  name: "WebhookEndpoint",
  tableName: "webhook_endpoint",
  properties: {
    id: p.uuid().primary(),
    url: p.text(),
    topics: p.array<WebhookTopic>(),
    /** As its receiver has it, `whsec_…`: each attempt is signed with it. */
    secret: p.text(),
    enabled: p.boolean().default(true),
    createdAt: p.datetime(3)
  }
})
export type WebhookEndpointEntity = InferEntity<typeof WebhookEndpointEntity>
