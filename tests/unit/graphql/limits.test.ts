import { getNamedType, getNullableType, isCompositeType, isListType, isObjectType, parse, validate } from "graphql"
import { describe, expect, it } from "vitest"
import { brokenLimits, most } from "../../../src/graphql/limits.ts"
import { schema } from "../../../src/graphql/schema.ts"

const broken = (query: string, variables: Readonly<Record<string, unknown>> = {}, operationName?: string) => {
  const document = parse(query)
  expect(validate(schema, document)).toEqual([])
  return brokenLimits(schema, document, operationName, variables).map((error) => error.message)
}

/** 1 for the connection and 3 for each of its items. */
const list = (size: string) => `tracks(first: ${size}) { edges { node { id } } }`

describe("what an operation weighs", () => {
  it("multiplies by the page size, given or not", () => {
    const inner = (size: string) => `{ tracks(first: ${size}) { edges { node { jobs(first: 20) { edges { node { id } } } } } } }`
    expect(broken(inner("100"))).toEqual([])
    expect(broken(inner("100").replace("id", "id kind status"))[0]).toContain("a cost of 10301; 10000")
    expect(broken("{ tracks { edges { node { jobs { edges { node { track { jobs { edges { cursor } } } } } } } } } }")[0]).toContain("a cost of")
  })

  it("counts a log as long as it was asked for, and as the field's own default unless it was", () => {
    const logs = (jobs: number, events: string) => broken(`{ jobs(first: ${jobs}) { edges { node { events${events} { sequence at } } } } }`)
    expect(logs(20, "(first: 200)")).toEqual([])
    expect(logs(21, "(first: 500)")[0]).toContain("a cost of")
    expect(logs(40, "")).toEqual([])
    expect(logs(60, "")[0]).toContain("a cost of")
  })

  it("counts what belongs to a thing as often as there can be of it", () => {
    expect(broken("{ jobs(first: 100) { edges { node { id stages { name status progress attempt quality } } } } }")).toEqual([])
    expect(broken("{ tracks(first: 100) { edges { node { jobs(first: 15) { edges { node { stages { name } } } } } } } }")[0]).toContain("a cost of")
  })

  it("lets a page of fifty through, with files, loudness and the newest job of each", () => {
    const file = "id role url mediaType sizeBytes durationMs loudness { integratedLufs } waveform { datUrl jsonUrl }"
    const job = "id kind status progress degraded createdAt finishedAt"
    expect(broken(`{ tracks(first: 50) { edges { cursor node { id title artist album genres year durationMs tags status cover { url } artifacts { ${file} } latestJob { ${job} } } } pageInfo { hasNextPage } } }`)).toEqual([])
  })

  it("knows of every list in the schema how long it can be", () => {
    const lists = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith("__") && !type.name.endsWith("Connection")).flatMap((type) =>
      isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, field })) : []
    ).filter(({ field }) => isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type)))
    const sized = (name: string) => lists.find((list) => list.name === name)?.field.extensions[most]
    const asked = (names: ReadonlyArray<string>) => lists.filter(({ field }) => field.args.some((argument) => names.includes(argument.name)))
    expect(lists.length).toBeGreaterThan(12)
    expect(lists.filter(({ field, name }) => typeof sized(name) !== "number" && !field.args.some((argument) => ["first", "ids", "inputs"].includes(argument.name))).map(({ name }) => name)).toEqual([])
    // As many as the field's own description says, or 100.
    for (const { field, name } of asked(["first"])) {
      const largest = /1 to (\d+)/.exec(field.args.find((argument) => argument.name === "first")?.description ?? "")?.[1]
      expect([name, sized(name) ?? 100]).toEqual([name, Number(largest)])
    }
  })

  it("knows the page size that a variable has", () => {
    const query = `query ($n: Int) { tracks(first: $n) { edges { node { jobs(first: $n) { edges { node { id } } } } } } }`
    expect(broken(query, { n: 10 })).toEqual([])
    expect(broken(query, { n: 100 })).toHaveLength(1)
  })

  it("counts the default of a variable", () => {
    const query = `query ($n: Int = 100) { tracks(first: $n) { edges { node { jobs(first: $n) { edges { node { id } } } } } } }`
    expect(broken(query)).toHaveLength(1)
    expect(broken(query, { n: 2 })).toEqual([])
  })

  it("looks into fragments wherever they are used", () => {
    const fragments = `fragment A on Track { ...B ...B } fragment B on Track { jobs(first: 100) { edges { node { ...C } } } } fragment C on Job { id kind status }`
    expect(broken(`{ tracks(first: 20) { edges { node { ...A } } } } ${fragments}`)[0]).toContain("a cost of")
    expect(broken(`{ tracks(first: 2) { edges { node { ... on Node { ... on Track { ...A } } } } } } ${fragments}`)).toEqual([])
  })

  it("stays quick where fragments multiply", () => {
    const doubling = Array.from({ length: 40 }, (_, n) => `fragment F${n} on Track { ...F${n + 1} ...F${n + 1} }`).join(" ")
    const startedAt = performance.now()
    expect(broken(`{ track(id: "x") { ...F0 } } ${doubling} fragment F40 on Track { id }`)[0]).toContain("a cost of")
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it("weighs the operation that is to be run", () => {
    const query = `query Small { ${list("1")} } query Large { tracks(first: 100) { edges { node { jobs(first: 100) { edges { cursor } } } } } }`
    expect(broken(query, {}, "Small")).toEqual([])
    expect(broken(query, {}, "Large")).toHaveLength(1)
  })

  it("counts the things of a list of ids", () => {
    const query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Track { jobs(first: 100) { edges { cursor } } } } }"
    expect(broken(query, { ids: ["a"] })).toEqual([])
    expect(broken(query, { ids: Array.from({ length: 50 }, () => "a") })).toHaveLength(1)
  })

  it("allows ten fields within each other, and not eleven", () => {
    const ten = "{ tracks { edges { node { latestJob { track { latestJob { track { latestJob { track { id } } } } } } } } } }"
    expect(broken(ten)).toEqual([])
    expect(broken(ten.replace("id", "source { kind }"))[0]).toContain("a depth of 11; 10")
  })

  it("does not mistake introspection for depth", () => {
    expect(broken("{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } }")).toEqual([])
  })
})
