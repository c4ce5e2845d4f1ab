/**
 * What an operation comes to, worked out once for all its executions: which fields of which types, how each value is
 * completed, and which arguments never change. The rules are those of the GraphQL specification, section 6.
 */
import {
  defaultTypeResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getDirectiveValues,
  type GraphQLAbstractType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValidatedExecutionArgs,
  visit
} from "graphql"

type AnyField = GraphQLField<unknown, unknown>
type Variables = ValidatedExecutionArgs["variableValues"]
export type Arguments = Readonly<Record<string, unknown>>

interface Nullability {
  readonly nullable: boolean
}

/** How a value of a type is completed. */
export type Shape =
  | Nullability & { readonly _tag: "leaf"; readonly type: GraphQLLeafType }
  | Nullability & { readonly _tag: "list"; readonly item: Shape }
  | Nullability & { readonly _tag: "object"; readonly type: GraphQLObjectType; readonly fields: ReadonlyArray<PlannedField> }
  | Nullability & {
    readonly _tag: "abstract"
    readonly type: GraphQLAbstractType
    readonly resolveType: NonNullable<GraphQLAbstractType["resolveType"]>
    readonly fieldsOf: (type: GraphQLObjectType) => ReadonlyArray<PlannedField>
  }

export interface PlannedField {
  /** Its name in the answer. */
  readonly key: string
  readonly name: string
  readonly parentType: GraphQLObjectType
  readonly definition: AnyField
  readonly nodes: ReadonlyArray<FieldNode>
  readonly shape: Shape
  readonly argumentsOf: (variables: Variables) => Arguments
}

interface Planning {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly variables: Variables
}

const isKept = (node: SelectionNode, { variables }: Planning): boolean =>
  getDirectiveValues(GraphQLSkipDirective, node, variables)?.["if"] !== true &&
  getDirectiveValues(GraphQLIncludeDirective, node, variables)?.["if"] !== false

const applies = (condition: string | undefined, type: GraphQLObjectType, { schema }: Planning): boolean => {
  if (condition === undefined || condition === type.name) return true
  const named = schema.getType(condition)
  return isAbstractType(named) && schema.isSubType(named, type)
}

/** By their names in the answer, in the order of the document. */
const collect = (sets: ReadonlyArray<SelectionSetNode>, type: GraphQLObjectType, planning: Planning): ReadonlyMap<string, ReadonlyArray<FieldNode>> => {
  const found = new Map<string, Array<FieldNode>>()
  const spread = new Set<string>()
  const visitSet = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isKept(selection, planning)) continue
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        const nodes = found.get(key)
        if (nodes === undefined) found.set(key, [selection])
        else nodes.push(selection)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (applies(selection.typeCondition?.name.value, type, planning)) visitSet(selection.selectionSet)
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value)
        const fragment = planning.fragments.get(selection.name.value)
        if (fragment !== undefined && applies(fragment.typeCondition.name.value, type, planning)) visitSet(fragment.selectionSet)
      }
    }
  }
  for (const set of sets) visitSet(set)
  return found
}

const usesVariables = (node: FieldNode): boolean => {
  let found = false
  for (const argument of node.arguments ?? []) visit(argument, { Variable: () => { found = true } })
  return found
}

/** What does not depend on variables is worked out when it is first needed, for a mistake in it is its field's own. */
const argumentsOf = (definition: AnyField, node: FieldNode): PlannedField["argumentsOf"] => {
  if (usesVariables(node)) return (variables) => getArgumentValues(definition, node, variables)
  let constant: Arguments | undefined
  return (variables) => (constant ??= Object.freeze(getArgumentValues(definition, node, variables)))
}

const planShape = (type: GraphQLOutputType, nodes: ReadonlyArray<FieldNode>, planning: Planning, nullable = true): Shape => {
  if (isNonNullType(type)) return planShape(type.ofType, nodes, planning, false)
  if (isListType(type)) return { _tag: "list", nullable, item: planShape(type.ofType, nodes, planning) }
  if (isLeafType(type)) return { _tag: "leaf", nullable, type }
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  if (!isAbstractType(type)) return { _tag: "object", nullable, type, fields: planFields(type, sets, planning) }
  const known = new Map<GraphQLObjectType, ReadonlyArray<PlannedField>>()
  return {
    _tag: "abstract",
    nullable,
    type,
    resolveType: type.resolveType ?? defaultTypeResolver,
    fieldsOf: (found) => {
      const fields = known.get(found) ?? planFields(found, sets, planning)
      known.set(found, fields)
      return fields
    }
  }
}

export const planFields = (type: GraphQLObjectType, sets: ReadonlyArray<SelectionSetNode>, planning: Planning): ReadonlyArray<PlannedField> =>
  [...collect(sets, type, planning)].flatMap(([key, nodes]) => {
    const [node] = nodes
    const definition = node === undefined ? undefined : planning.schema.getField(type, node.name.value)
    if (node === undefined || definition === undefined) return []
    return [{
      key,
      name: node.name.value,
      parentType: type,
      definition,
      nodes,
      shape: planShape(definition.type, nodes, planning),
      argumentsOf: argumentsOf(definition, node)
    }]
  })
