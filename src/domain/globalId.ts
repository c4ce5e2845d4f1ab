/** Ids as clients know them, in answers of the API as in what is sent to them: what an id is of stands in it. */
export type NodeType = "Track" | "Artifact" | "Job" | "Incident" | "WebhookEndpoint" | "WebhookDelivery" | "ApiKey"

export const globalId = (type: NodeType, id: string): string => Buffer.from(`${type}:${id}`).toString("base64url")
