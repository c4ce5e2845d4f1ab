import { readFileSync } from "node:fs"
import { getNamedType, type GraphQLInterfaceType, type GraphQLObjectType, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType, lexicographicSortSchema, printSchema } from "graphql"
import { describe, expect, it } from "vitest"
import { errorCatalog } from "../../../src/domain/errorCatalog.ts"
import { ErrorCode } from "../../../src/domain/ErrorCode.ts"
import { Scope } from "../../../src/domain/Viewer.ts"
import { schema } from "../../../src/graphql/schema.ts"

const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith("__") && !isSpecifiedScalarType(type))

describe("the schema", () => {
  it("is the one that is committed: `npm run schema` writes it", () => {
    expect(readFileSync("schema.graphql", "utf8")).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`)
  })

  it("describes every type, field, argument, input field and enum value", () => {
    const silent: Array<string> = []
    const look = (name: string, { description }: { readonly description?: string | null | undefined }) => {
      if (description === undefined || description === null || description.trim() === "") silent.push(name)
    }
    for (const type of types) {
      look(type.name, type)
      if (isObjectType(type) || isInterfaceType(type)) {
        for (const field of Object.values(type.getFields())) {
          look(`${type.name}.${field.name}`, field)
          for (const argument of field.args) look(`${type.name}.${field.name}(${argument.name})`, argument)
        }
      }
      if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field)
      if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value)
    }
    expect(silent).toEqual([])
    expect(types.length).toBeGreaterThan(60)
  })

  describe("is one by the rules of Relay", () => {
    const objects = types.filter(isObjectType)
    const fieldOf = (type: GraphQLObjectType | GraphQLInterfaceType | undefined, name: string) => String(type?.getFields()[name]?.type)
    const connections = objects.filter((type) => type.name.endsWith("Connection"))

    it("in its connections, edges and page info", () => {
      expect(connections.map((type) => type.name)).toEqual(expect.arrayContaining(["TrackConnection", "JobConnection"]))
      for (const connection of connections) {
        const edge = schema.getType(`${connection.name.replace(/Connection$/, "")}Edge`)
        expect(isObjectType(edge)).toBe(true)
        expect(fieldOf(connection, "edges")).toBe(`[${edge?.name}!]!`)
        expect(fieldOf(connection, "pageInfo")).toBe("PageInfo!")
        expect(fieldOf(edge as GraphQLObjectType, "cursor")).toBe("String!")
        const node = getNamedType((edge as GraphQLObjectType).getFields()["node"]?.type)
        expect(isObjectType(node) && node.getInterfaces().map(({ name }) => name)).toContain("Node")
      }
      expect(objects.filter((type) => type.name.endsWith("Edge")).map((type) => type.name.replace(/Edge$/, "Connection")).toSorted()).toEqual(connections.map((type) => type.name).toSorted())
      const pageInfo = schema.getType("PageInfo") as GraphQLObjectType
      expect(Object.fromEntries(Object.keys(pageInfo.getFields()).map((name) => [name, fieldOf(pageInfo, name)]))).toEqual({
        hasNextPage: "Boolean!", hasPreviousPage: "Boolean!", startCursor: "String", endCursor: "String"
      })
    })

    it("in the arguments of every field that is a connection, and of no other", () => {
      const paged = { first: "Int", after: "String", last: "Int", before: "String" }
      const found = objects.flatMap((type) => Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, field })))
      const connected = found.filter(({ field }) => connections.some((type) => type === getNamedType(field.type)))
      expect(connected.map(({ name }) => name)).toEqual(expect.arrayContaining(["Query.tracks", "Query.jobs", "Track.jobs"]))
      for (const { field } of connected) expect(Object.fromEntries(field.args.map(({ name, type }) => [name, String(type)]))).toMatchObject(paged)
      expect(found.filter(({ field }) => field.args.some(({ name }) => name === "after")).map(({ name }) => name)).toEqual(connected.map(({ name }) => name))
    })

    it("in its nodes: whatever has a global id can be asked for by it", () => {
      const node = schema.getType("Node") as GraphQLInterfaceType
      expect(fieldOf(node, "id")).toBe("ID!")
      const query = schema.getQueryType()?.getFields()
      expect([String(query?.["node"]?.type), String(query?.["node"]?.args.find(({ name }) => name === "id")?.type)]).toEqual(["Node", "ID!"])
      expect([String(query?.["nodes"]?.type), String(query?.["nodes"]?.args.find(({ name }) => name === "ids")?.type)]).toEqual(["[Node]!", "[ID!]!"])
      const identified = objects.filter((type) => "id" in type.getFields() && !/(Success|Error)$/.test(type.name))
      expect(identified.map(({ name }) => name).toSorted()).toEqual(schema.getPossibleTypes(node).map(({ name }) => name).toSorted())
    })
  })

  it("has a type for every expected error, and no other", () => {
    const error = schema.getType("Error")
    const known = isInterfaceType(error) ? schema.getPossibleTypes(error).map((type) => type.name) : []
    expect(known.toSorted()).toEqual(Object.keys(errorCatalog).toSorted())
  })

  it("has every error code", () => {
    const codes = schema.getType("ErrorCode")
    expect(isEnumType(codes) && codes.getValues().map((value) => value.name).toSorted()).toEqual(ErrorCode.literals.toSorted())
  })

  it("answers every mutation with a union of one success and expected errors", () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      const members = schema.getPossibleTypes(getNamedType(field.type) as never).map((type) => type.name)
      expect(members.filter((name) => name.endsWith("Success"))).toHaveLength(1)
      for (const name of members) expect(name.endsWith("Success") || name in errorCatalog).toBe(true)
    }
  })

  it("says of every root field what it needs, and lets nobody change anything who may only read", () => {
    const scopes = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
      Object.values(type?.getFields() ?? {}).map((field) => [`${type?.name}.${field.name}`, field.extensions["scope"]] as const))
    expect(scopes.filter(([, scope]) => !Scope.literals.some((known) => known === scope))).toEqual([])
    expect(scopes.filter(([name, scope]) => name.startsWith("Mutation.") && scope === "READ")).toEqual([])
    expect(scopes.filter(([, scope]) => scope === "ADMIN").map(([name]) => name)).toEqual([
      "Query.apiKeys", "Query.webhookEndpoints", "Mutation.apiKeyCreate", "Mutation.apiKeyRevoke", "Mutation.webhookCreate", "Mutation.webhookDelete", "Mutation.webhookRedeliver"
    ])
  })

  it("has the members that clients were promised", () => {
    const members = (name: string) => schema.getPossibleTypes(schema.getType(name) as never).map((type) => type.name)
    expect(members("TrackImportResult")).toEqual(expect.arrayContaining(["TrackImportSuccess", "InvalidInputError", "UnsupportedMediaError", "TooLargeError", "SourceBlockedError", "IdempotencyConflictError", "RateLimitedError", "NotConfiguredError", "NotFoundError"]))
    expect(members("TrackUploadResult")).toEqual(expect.arrayContaining(["TrackImportSuccess", "InvalidInputError", "UnsupportedMediaError", "TooLargeError", "IdempotencyConflictError", "RateLimitedError", "StorageError"]))
  })
})
