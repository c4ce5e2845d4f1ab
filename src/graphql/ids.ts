/** Global ids: what an id is of stands in it, so that `node` needs nothing else and an id of another thing is noticed. */
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
