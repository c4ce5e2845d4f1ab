/** Operations that the schema allows, one root field each, with selections and arguments at random. */
import * as fc from "fast-check"
import {
  type GraphQLField,
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type GraphQLSchema
} from "graphql"
import { isGiven, type Known, valueOf } from "./values.ts"

export interface GeneratedOperation {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value)

/** An operation with the root field of this name; `g` decides all that is left open. */
export const operationOf = (g: fc.GeneratorValue, schema: GraphQLSchema, kind: "query" | "mutation", root: GraphQLField<unknown, unknown>, known: Known): GeneratedOperation => {
  const definitions: Array<string> = []
  const variables: Record<string, unknown> = {}
  const depth = g(fc.integer, { min: 2, max: 8 })
  let left = g(fc.integer, { min: 3, max: 40 })
  let aliases = 0

  /** One at least. The generator compares what it is given with what it was given before, so it gets no part of the schema. */
  const some = <A>(values: ReadonlyArray<A>, most: number): ReadonlyArray<A> =>
    g(fc.shuffledSubarray<number>, [...values.keys()], { minLength: 1, maxLength: Math.min(values.length, most) }).map((index) => values[index] as A)

  const argumentsOf = (field: GraphQLField<unknown, unknown>): string => {
    const given = field.args.filter((argument) => isGiven(g, argument)).map((argument) => {
      const value = valueOf(g, argument.type, argument.name, known)
      // Numbers are written in place now and then: the limits must see them there, too.
      if (isNumber(value) && g(fc.boolean)) return `${argument.name}: ${String(value)}`
      const name = `v${definitions.length}`
      definitions.push(`$${name}: ${String(argument.type)}`)
      variables[name] = value
      return `${argument.name}: $${name}`
    })
    return given.length === 0 ? "" : `(${given.join(", ")})`
  }

  const field = (definition: GraphQLField<unknown, unknown>, level: number): string => {
    // Fields of one name and other arguments or types, as unions have them, need names of their own.
    const alias = definition.args.length > 0 && level > 1 && aliases < 15 ? `a${aliases++}: ` : ""
    return `${alias}${definition.name}${argumentsOf(definition)}${selection(definition.type, level)}`
  }

  const fieldsOf = (fields: ReadonlyArray<GraphQLField<unknown, unknown>>, level: number): Array<string> => {
    const possible = fields.filter((candidate) => (level < depth || !isCompositeType(getNamedType(candidate.type))) && (candidate.args.length === 0 || aliases < 15))
    if (possible.length === 0) return []
    const chosen = some(possible, level < 4 ? 6 : 3)
    return chosen.flatMap((one) => {
      left -= 1
      return left < 0 ? [] : [field(one, level + 1)]
    })
  }

  const selection = (type: GraphQLOutputType, level: number): string => {
    const named = getNamedType(type)
    if (!isCompositeType(named)) return ""
    if (isObjectType(named)) return ` { __typename ${fieldsOf(Object.values(named.getFields()), level).join(" ")} }`
    const own = isInterfaceType(named) ? fieldsOf(Object.values(named.getFields()).filter((one) => one.args.length === 0), level) : []
    const members = schema.getPossibleTypes(named)
    const chosen = new Set([...members.filter((member) => member.name.endsWith("Success")), ...some(members, 3)])
    // The members of a union do not agree on what their fields can be null in: each asks under names of its own.
    const parts = [...chosen].map((member) => `... on ${member.name} { ${["__typename", ...prefixed(member.name, fieldsOf(Object.values(member.getFields()), level))].join(" ")} }`)
    return ` { __typename ${[...own, ...parts].join(" ")} }`
  }

  const prefixed = (member: string, fields: ReadonlyArray<string>): ReadonlyArray<string> =>
    fields.map((text) => /^\w+:/.test(text) || aliases >= 15 ? text : (aliases += 1, `${member}_${/^\w+/.exec(text)?.[0] ?? ""}: ${text}`))

  const body = field(root, 0)
  return { query: `${kind} Generated${definitions.length === 0 ? "" : `(${definitions.join(", ")})`} { ${body} }`, variables }
}
