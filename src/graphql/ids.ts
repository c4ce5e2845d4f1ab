/** Global ids: what an id is of stands in it, so that `node` needs nothing else and an id of another thing is noticed. */
import { Effect } from "effect"
import { NotFoundError } from "../domain/errors.ts"
import type { NodeType } from "../domain/globalId.ts"

export { globalId, type NodeType } from "../domain/globalId.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => uuid.test(text)

export interface ParsedId {
  readonly type: string
  readonly id: string
}

/** Undefined for everything that `globalId` did not make. */
export const parseGlobalId = (text: string): ParsedId | undefined => {
  const [type = "", id = "", ...rest] = Buffer.from(text, "base64url").toString("latin1").split(":")
  return rest.length === 0 && uuid.test(id) ? { type, id } : undefined
}

/** The uuid in an id of this type. */
export const idOf = (type: NodeType, text: string): string | undefined => {
  const parsed = parseGlobalId(text)
  return parsed?.type === type ? parsed.id : undefined
}

const names: Readonly<Record<NodeType, string>> = {
  Track: "track",
  Artifact: "artifact",
  Job: "job",
  Incident: "incident",
  WebhookEndpoint: "endpoint",
  WebhookDelivery: "delivery",
  ApiKey: "API key"
}

/** Services speak of bare ids. What is no id of this type they need not look for, and what they do not find is told under the id that the client sent. */
export const byId = <A, E, R>(type: NodeType, id: string, use: (bareId: string) => Effect.Effect<A, E, R>): Effect.Effect<A, E | NotFoundError, R> => {
  const notFound = (message: string) => new NotFoundError({ message, id })
  const bareId = idOf(type, id)
  return bareId === undefined
    ? Effect.fail(notFound(`There is no such ${names[type]}.`))
    : Effect.mapError(use(bareId), (failure) => failure instanceof NotFoundError ? notFound(failure.message) : failure)
}
