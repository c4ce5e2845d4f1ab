/** In what an answer differs from what the schema promises for its operation. */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode
} from "graphql"

const isInstant = (value: unknown): boolean => typeof value === "string" && new Date(value).toJSON() === value
const leaves: Readonly<Record<string, (value: unknown) => boolean>> = {
  ID: (value) => typeof value === "string",
  String: (value) => typeof value === "string",
  Int: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  Float: (value) => Number.isFinite(value),
  Boolean: (value) => typeof value === "boolean",
  DateTime: isInstant,
  URL: (value) => typeof value === "string"
}

/** `covered` gathers the fields that had a value, as `Type.field`. */
export const answerFaults = (schema: GraphQLSchema, document: DocumentNode, data: unknown, covered: Set<string>): ReadonlyArray<string> => {
  const faults: Array<string> = []

  const fieldsOf = (selections: SelectionSetNode, type: string): ReadonlyArray<FieldNode> =>
    selections.selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection]
      if (selection.kind !== Kind.INLINE_FRAGMENT) return []
      const on = selection.typeCondition?.name.value
      return on === undefined || on === type ? fieldsOf(selection.selectionSet, type) : []
    })

  const look = (value: unknown, type: GraphQLOutputType, selections: SelectionSetNode | undefined, path: string): void => {
    if (isNonNullType(type)) {
      if (value === null || value === undefined) faults.push(`${path} is null`)
      else look(value, type.ofType, selections, path)
    } else if (value === null) {
      return
    } else if (isListType(type)) {
      if (Array.isArray(value)) value.forEach((item, index) => look(item, type.ofType, selections, `${path}.${index}`))
      else faults.push(`${path} is no list`)
    } else if (isLeafType(type)) {
      const fits = isEnumType(type) ? typeof value === "string" && type.getValue(value) !== undefined : leaves[type.name]?.(value) === true
      if (!fits) faults.push(`${path} is no ${type.name}: ${JSON.stringify(value)}`)
    } else if (typeof value !== "object" || value === null || selections === undefined) {
      faults.push(`${path} is no object`)
    } else {
      lookInto(value as Readonly<Record<string, unknown>>, getNamedType(type).name, selections, path)
    }
  }

  const lookInto = (value: Readonly<Record<string, unknown>>, declared: string, selections: SelectionSetNode, path: string): void => {
    const named = typeof value["__typename"] === "string" ? value["__typename"] : declared
    const type = schema.getType(named)
    const possible = schema.getType(declared)
    if (!isObjectType(type) || type !== possible && !(possible !== undefined && "name" in possible && schema.getPossibleTypes(possible as never).includes(type))) {
      faults.push(`${path} is a ${named} and no ${declared}`)
      return
    }
    const asked = fieldsOf(selections, named)
    const keys = new Set(asked.map((field) => field.alias?.value ?? field.name.value))
    for (const key of Object.keys(value)) if (!keys.has(key)) faults.push(`${path}.${key} was not asked for`)
    for (const field of asked) {
      const key = field.alias?.value ?? field.name.value
      if (field.name.value === "__typename") continue
      const definition = type.getFields()[field.name.value]
      if (definition === undefined) continue
      if (!(key in value)) faults.push(`${path}.${key} is missing`)
      else {
        if (value[key] !== null) covered.add(`${named}.${field.name.value}`)
        look(value[key], definition.type, field.selectionSet, `${path}.${key}`)
      }
    }
  }

  const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION)
  const root = operation === undefined ? undefined : schema.getRootType(operation.operation)
  if (operation === undefined || root === undefined || root === null || typeof data !== "object" || data === null) return ["there is no data"]
  lookInto(data as Readonly<Record<string, unknown>>, root.name, operation.selectionSet, root.name)
  return faults
}
