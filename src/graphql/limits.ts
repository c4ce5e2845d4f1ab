/**
 * What a single operation may ask for. It is weighed as it was sent, variables included, after it was found valid: so
 * fragments neither are unknown nor refer to themselves, and a page size hides in no variable.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
  visit
} from "graphql"
import { defaultSize, maxSize } from "./connection.ts"
import { perDocument } from "./perDocument.ts"

/** Checked while parsing. */
export const maxTokens = 1_000
const maxDepth = 10
const maxCost = 10_000
const maxAliases = 15
const maxDirectives = 8

interface Weight {
  /** Fields within fields. */
  readonly depth: number
  /** Values that the answer can have: each field counts once for every item of the lists around it. */
  readonly cost: number
}

type Variables = Readonly<Record<string, unknown>>

const numberOf = (value: ValueNode | undefined, variables: Variables): number | undefined => {
  if (value?.kind === Kind.INT) return Number(value.value)
  if (value?.kind !== Kind.VARIABLE) return undefined
  const given = variables[value.name.value]
  return typeof given === "number" ? given : undefined
}

const lengthOf = (value: ValueNode | undefined, variables: Variables): number => {
  if (value?.kind === Kind.LIST) return value.values.length
  const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : undefined
  return Array.isArray(given) ? given.length : 1
}

/** The extension of a field that says how many items its list has at most, or has in a library that is large: `extensions: { [most]: 8 }`. */
export const most = "most"

/**
 * How many items a field returns at most: as many as are asked for, as it was given, or as it declares. A connection's
 * edges were counted at the connection; things without a list are one.
 */
const itemsOf = (field: FieldNode, definition: GraphQLField<unknown, unknown> | undefined, variables: Variables): number => {
  const argument = (name: string) => field.arguments?.find((given) => given.name.value === name)?.value
  const declared = definition?.extensions[most]
  const size = definition?.args.find(({ name }) => name === "first")
  if (size !== undefined) {
    // oxlint-disable-next-line typescript/no-deprecated -- where Pothos 4 puts it
    const usual: unknown = size.defaultValue
    const asked = numberOf(argument("first"), variables) ?? numberOf(argument("last"), variables) ?? (typeof usual === "number" ? usual : defaultSize)
    // Sizes that are not allowed are refused by the field itself.
    return Math.min(Math.max(asked, 1), typeof declared === "number" ? declared : maxSize)
  }
  const list = definition?.args.find(({ name }) => name === "ids" || name === "inputs")?.name
  if (list !== undefined) return Math.max(lengthOf(argument(list), variables), 1)
  return typeof declared === "number" ? declared : 1
}

/** The variables as execution will see them, as far as they say how much is asked for. */
const withDefaults = ({ variableDefinitions = [] }: OperationDefinitionNode, sent: Variables): Variables => ({
  ...Object.fromEntries(variableDefinitions.flatMap(({ defaultValue, variable }) => defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]])),
  ...sent
})

const weigh = (schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): Weight => {
  const fragments = new Map(document.definitions.filter((node): node is FragmentDefinitionNode => node.kind === Kind.FRAGMENT_DEFINITION).map((node) => [node.name.value, node]))
  /** By fragment: what it weighs does not depend on where it is used. */
  const known = new Map<string, Weight>()

  const weighFragment = (name: string): Weight => {
    const fragment = fragments.get(name)
    if (fragment === undefined) return { depth: 0, cost: 0 }
    const weight = known.get(name) ?? weighSelections(fragment.selectionSet, fragment.typeCondition.name.value)
    known.set(name, weight)
    return weight
  }

  const weighField = (field: FieldNode, typeName: string): Weight => {
    // graphql-js has a rule of its own for how deep introspection may go.
    if (field.name.value === "__schema" || field.name.value === "__type") return { depth: 1, cost: 1 }
    if (field.selectionSet === undefined) return { depth: 1, cost: 1 }
    const parent = schema.getType(typeName)
    const definition = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[field.name.value] : undefined
    const inner = weighSelections(field.selectionSet, definition === undefined ? typeName : getNamedType(definition.type).name)
    return { depth: inner.depth + 1, cost: 1 + itemsOf(field, definition, variables) * inner.cost }
  }

  const weighSelections = (selections: SelectionSetNode, typeName: string): Weight => {
    let depth = 0
    let cost = 0
    for (const selection of selections.selections) {
      const weight = selection.kind === Kind.FIELD
        ? weighField(selection, typeName)
        : selection.kind === Kind.FRAGMENT_SPREAD
        ? weighFragment(selection.name.value)
        : weighSelections(selection.selectionSet, selection.typeCondition?.name.value ?? typeName)
      depth = Math.max(depth, weight.depth)
      cost += weight.cost
    }
    return { depth, cost }
  }

  return weighSelections(operation.selectionSet, schema.getRootType(operation.operation)?.name ?? "")
}

const refused = (what: string, limit: number, found: number): GraphQLError =>
  new GraphQLError(`The operation has ${what} ${found}; ${limit} is the most that is allowed.`, {
    extensions: { code: "OPERATION_TOO_LARGE", limit, found, http: { status: 400, spec: true } }
  })

const count = perDocument((document) => {
  let aliases = 0
  let directives = 0
  visit(document, {
    Field: (field) => {
      if (field.alias !== undefined) aliases += 1
    },
    Directive: () => {
      directives += 1
    }
  })
  return { aliases, directives }
})

/** The limits that an operation breaks. Of several operations in a document, the named one is weighed. */
export const brokenLimits = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables
): ReadonlyArray<GraphQLError> => {
  const { aliases, directives } = count(document)
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION)
  const weights = operations
    .filter((operation) => operationName === null || operationName === undefined || operation.name?.value === operationName)
    .map((operation) => weigh(schema, document, operation, withDefaults(operation, variables)))
  const depth = Math.max(0, ...weights.map((weight) => weight.depth))
  const cost = Math.max(0, ...weights.map((weight) => weight.cost))
  return [
    ...(depth > maxDepth ? [refused("a depth of", maxDepth, depth)] : []),
    ...(cost > maxCost ? [refused("a cost of", maxCost, cost)] : []),
    ...(aliases > maxAliases ? [refused("a number of aliases of", maxAliases, aliases)] : []),
    ...(directives > maxDirectives ? [refused("a number of directives of", maxDirectives, directives)] : [])
  ]
}
