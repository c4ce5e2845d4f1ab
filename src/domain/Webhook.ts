import { Schema } from "effect"

/** What a receiver can be told of. */
export const WebhookTopic = Schema.Literals(["JOB_SUCCEEDED", "JOB_FAILED", "JOB_CANCELLED", "INCIDENT_OPENED", "INCIDENT_RESOLVED"])
export type WebhookTopic = typeof WebhookTopic.Type
