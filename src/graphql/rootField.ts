/** What an operation is about, in words that the schema knows: what a client calls it could be anything. */
import { type DocumentNode, type FragmentDefinitionNode, getOperationAST, Kind, type OperationTypeNode, type SelectionSetNode } from "graphql"
import { perDocument } from "./perDocument.ts"

export interface OperationSummary {
  readonly type: OperationTypeNode
  /** All its root fields, by their own names. */
  readonly fields: ReadonlyArray<string>
  /** The root field; `(several)` and `(introspection)` where there is not one. */
  readonly field: string
  /** What the client calls it. */
  readonly name: string | undefined
}

const fieldNames = (selections: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, found: Set<string>): Set<string> => {
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) found.add(selection.name.value)
    else {
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragments.get(selection.name.value)?.selectionSet
      if (inner !== undefined) fieldNames(inner, fragments, found)
    }
  }
  return found
}

const summarize = (document: DocumentNode, operationName: string | undefined): OperationSummary | undefined => {
  const operation = getOperationAST(document, operationName)
  if (operation === null || operation === undefined) return undefined
  const fragments = new Map(document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])))
  const names = [...fieldNames(operation.selectionSet, fragments, new Set())]
  const own = names.filter((name) => !name.startsWith("__"))
  const field = own.length > 1 ? "(several)" : own[0] ?? (names.includes("__schema") || names.includes("__type") ? "(introspection)" : "__typename")
  return { type: operation.operation, fields: names, field, name: operation.name?.value }
}

/** By operation name. */
const summaries = perDocument(() => new Map<string, OperationSummary | undefined>())

/** Of a valid document; undefined when it has no operation of this name. */
export const operationSummary = (document: DocumentNode, operationName: string | null | undefined): OperationSummary | undefined => {
  const key = operationName ?? ""
  const ofDocument = summaries(document)
  if (!ofDocument.has(key)) ofDocument.set(key, summarize(document, operationName ?? undefined))
  return ofDocument.get(key)
}
