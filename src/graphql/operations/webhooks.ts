import { Effect, Redacted, Schema } from "effect"
import { InvalidInputError, NotFoundError, SourceBlockedError } from "../../domain/errors.ts"
import { WebhookTopic } from "../../domain/Webhook.ts"
import { type CreatedEndpoint, Webhooks } from "../../operations/webhooks/Webhooks.ts"
import { type WebhookDeliveryRecord, type WebhookEndpointRecord, webhookEndpoints } from "../../persistence/reads/webhooks.ts"
import { answer, failsWith, present, read } from "../bridge.ts"
import { builder } from "../builder.ts"
import { checked, httpAddress } from "../checkedInput.ts"
import { defaultSize, maxSize, sizeOf } from "../connection.ts"
import { WebhookTopicEnum } from "../enums.ts"
import { byId, globalId } from "../ids.ts"
import { most } from "../limits.ts"
import { NodeInterface } from "../NodeInterface.ts"

const WebhookDeliveryRef = builder.objectRef<WebhookDeliveryRecord>("WebhookDelivery").implement({
  description: "A message for a receiver. Its id and body stay the same, however often it is sent.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id; the message's header `webhook-id` has the same.", resolve: (delivery) => globalId("WebhookDelivery", delivery.id) }),
    topic: t.expose("topic", { type: WebhookTopicEnum, description: "What it tells of." }),
    attempts: t.exposeInt("attempts", { description: "How often it was sent." }),
    delivered: t.exposeBoolean("delivered", { description: "Whether the receiver has taken it, by answering with a status of 200 to 299." }),
    httpStatus: t.exposeInt("httpStatus", { nullable: true, description: "Of the last answer; null where there was none." }),
    nextAttemptAt: t.expose("nextAttemptAt", { type: "DateTime", nullable: true, description: "When it is to be sent again; null where it is not." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it came into being, together with what it tells of." })
  })
})

const WebhookEndpointRef = builder.objectRef<WebhookEndpointRecord>("WebhookEndpoint").implement({
  description: "A receiver of webhooks, which are signed as Standard Webhooks has it. docs/webhooks.md says what it can rely on.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id.", resolve: (endpoint) => globalId("WebhookEndpoint", endpoint.id) }),
    url: t.expose("url", { type: "URL", description: "Where its messages are sent, by POST." }),
    topics: t.field({ type: [WebhookTopicEnum], description: "What it is told of.", resolve: (endpoint) => [...endpoint.topics] }),
    enabled: t.exposeBoolean("enabled", { description: "False once it answered with 410, which means that it wants nothing more." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was created." }),
    deliveries: t.field({
      type: [WebhookDeliveryRef],
      description: "Its newest messages, newest first. Those that are over are kept for 30 days.",
      args: { first: t.arg.int({ defaultValue: defaultSize, description: `How many, 1 to ${maxSize}.` }) },
      resolve: async ({ id }, { first }, { loaders }) => [...await loaders.webhookDeliveries.load({ endpointId: id, first: sizeOf("first", first ?? defaultSize) })]
    })
  })
})

builder.queryField("webhookEndpoints", (t) =>
  t.field({
    type: [WebhookEndpointRef],
    extensions: { [most]: 20 },
    scope: "ADMIN",
    description: "All receivers of webhooks, oldest first.",
    resolve: async (_root, _args, context) => [...await read(webhookEndpoints, context)]
  }))

const WebhookCreateSuccess = builder.objectRef<CreatedEndpoint>("WebhookCreateSuccess").implement({
  description: "The receiver is told of what happens from now on.",
  fields: (t) => ({
    endpoint: t.field({ type: WebhookEndpointRef, description: "The new receiver.", resolve: ({ endpointId }, _, { loaders }) => present(loaders.webhookEndpoint.load(endpointId)) }),
    secret: t.string({ description: "What its messages are signed with, `whsec_…`. Shown once.", resolve: ({ secret }) => Redacted.value(secret) })
  })
})

const WebhookDeleteSuccess = builder.objectRef<{ readonly id: string }>("WebhookDeleteSuccess").implement({
  description: "The receiver is told nothing more.",
  fields: (t) => ({ id: t.exposeID("id", { description: "Of the receiver that is no more." }) })
})

const WebhookRedeliverSuccess = builder.objectRef<{ readonly deliveryId: string }>("WebhookRedeliverSuccess").implement({
  description: "The message is sent again.",
  fields: (t) => ({
    delivery: t.field({ type: WebhookDeliveryRef, description: "The message, which is the same.", resolve: ({ deliveryId }, _, { loaders }) => present(loaders.webhookDelivery.load(deliveryId)) })
  })
})

const checkEndpoint = checked(
  Schema.Struct({ url: httpAddress, topics: Schema.Array(WebhookTopic).check(Schema.makeFilter((topics) => topics.length > 0 || "Name at least one topic")) })
)

const createFailures = [InvalidInputError, SourceBlockedError] as const
const changeFailures = [NotFoundError] as const

builder.mutationFields((t) => ({
  webhookCreate: t.field({
    type: WebhookCreateSuccess,
    scope: "ADMIN",
    description: "Adds a receiver of webhooks. Private addresses are refused, unless the operator admits them with PLAYHEAD_ALLOW_PRIVATE_SOURCES; an address that leads to one by its name is refused whenever something is to be sent.",
    errors: failsWith(createFailures, "WebhookCreateResult", "What `webhookCreate` comes to."),
    args: {
      url: t.arg({ type: "URL", required: true, description: "Where messages are sent: an http or https address of at most 2,048 characters." }),
      topics: t.arg({ type: [WebhookTopicEnum], required: true, description: "What it is to be told of; at least one." })
    },
    resolve: answer(createFailures, (_root, input: { readonly url: string; readonly topics: ReadonlyArray<WebhookTopic> }) =>
      Effect.gen(function* () {
        const endpoint = yield* checkEndpoint(input)
        const webhooks = yield* Webhooks
        return yield* webhooks.create(endpoint)
      }))
  }),
  webhookDelete: t.field({
    type: WebhookDeleteSuccess,
    scope: "ADMIN",
    description: "Removes a receiver, with all that was still to be sent to it.",
    errors: failsWith(changeFailures, "WebhookDeleteResult", "What `webhookDelete` comes to."),
    args: { id: t.arg.id({ required: true, description: "Of the receiver." }) },
    resolve: answer(changeFailures, (_root, { id }: { readonly id: string }) =>
      byId("WebhookEndpoint", id, (endpointId) => Effect.flatMap(Webhooks, (webhooks) => Effect.as(webhooks.remove(endpointId), { id }))))
  }),
  webhookRedeliver: t.field({
    type: WebhookRedeliverSuccess,
    scope: "ADMIN",
    description: "Sends a message again, whatever came of it before: under the same id and with the same body, and again for 24 hours until it is taken. A receiver that was disabled is enabled by it.",
    errors: failsWith(changeFailures, "WebhookRedeliverResult", "What `webhookRedeliver` comes to."),
    args: { deliveryId: t.arg.id({ required: true, description: "Of the message." }) },
    resolve: answer(changeFailures, (_root, { deliveryId }: { readonly deliveryId: string }) =>
      byId("WebhookDelivery", deliveryId, (id) => Effect.flatMap(Webhooks, (webhooks) => Effect.as(webhooks.redeliver(id), { deliveryId: id }))))
  })
}))
