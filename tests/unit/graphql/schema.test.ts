import { readFileSync } from "node:fs"
import { getNamedType, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType, lexicographicSortSchema, printSchema } from "graphql"
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
