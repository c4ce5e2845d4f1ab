/** What an answer to a subscription depends on besides the feed: equal keys, equal answers. */
import { type DocumentNode, Kind, type OperationDefinitionNode, print, type SelectionNode, visit } from "graphql"
import { perDocument } from "../perDocument.ts"

interface Selection {
  /** The operation as text, without the arguments of its root field. */
  readonly text: string
  /** The variables that the rest of it uses. */
  readonly variables: ReadonlyArray<string>
}

/** By operation name. */
const selections = perDocument(() => new Map<string, Selection>())

/** The feed stands for the root field's arguments: which one it is, and where it is read from. */
const withoutArguments = (selection: SelectionNode): SelectionNode => selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection

const describe = (document: DocumentNode, operation: OperationDefinitionNode): Selection => {
  const bare: OperationDefinitionNode = {
    ...operation,
    variableDefinitions: [],
    selectionSet: { ...operation.selectionSet, selections: operation.selectionSet.selections.map(withoutArguments) }
  }
  const rest: DocumentNode = { ...document, definitions: [bare, ...document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)] }
  const variables = new Set<string>()
  visit(rest, {
    Variable: ({ name }) => {
      variables.add(name.value)
    }
  })
  return { text: print(rest), variables: [...variables].toSorted() }
}

/**
 * The key of a subscription's answers. `values` are the variables as execution sees them, defaults included. Variables
 * that only say which feed is meant, such as a job's id, are no part of it.
 */
export const selectionKey = (document: DocumentNode, operation: OperationDefinitionNode, values: Readonly<Record<string, unknown>>): string => {
  const ofDocument = selections(document)
  const name = operation.name?.value ?? ""
  const selection = ofDocument.get(name) ?? describe(document, operation)
  ofDocument.set(name, selection)
  return JSON.stringify([selection.text, selection.variables.map((variable) => values[variable] ?? null)])
}
