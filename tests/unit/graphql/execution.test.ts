import fc from "fast-check"
import { buildSchema, execute as executeByGraphql, type ExecutionResult, GraphQLError, GraphQLObjectType, parse, validate } from "graphql"
import { describe, expect, it } from "vitest"
import { execute } from "../../../src/graphql/execution/execute.ts"

const schema = buildSchema(`
  interface Named { name: String! }
  union Any = Thing | Other
  enum Colour { RED BLUE }
  type Other implements Named { name: String! other: Int! }
  type Thing implements Named {
    name: String! late: String! maybe: String none: String lateNone: String colour: Colour!
    broken: String brokenLate: String refused: String wrong: Int wrongColour: Colour notAList: [String]
    hard: String! hardLate: String! absent: String! absentLate: String!
    self: Thing! lateSelf: Thing! perhaps: Thing latePerhaps: Thing
    all: [Thing!]! some: [Thing] lateAll: [Thing!]! someBroken: [String] hardBroken: [String!] nested: [[Int!]!]!
    echo(text: String = "x", n: Int): String! named: [Named!]! any: Any lateAny: Any nobody: Any
  }
  type Query { thing: Thing perhaps: Thing lateThing: Thing! }
`)

const late = <A>(value: A): Promise<A> => Promise.resolve().then(() => value)
const fail = (message: string) => { throw new Error(message) }
const thing = {}
const items = [{ name: "a", __typename: "Thing" }, { name: "b", other: 1, __typename: "Other" }]

const resolvers: Readonly<Record<string, (source: Readonly<Record<string, unknown>>, args: Readonly<Record<string, unknown>>) => unknown>> = {
  name: (source) => source["name"] ?? "n", late: () => late("l"), maybe: () => "m", none: () => null, lateNone: () => late(undefined), colour: () => "RED",
  broken: () => fail("broken"), brokenLate: () => Promise.reject(new Error("brokenLate")), wrong: () => "no number", wrongColour: () => "GREEN", notAList: () => 1,
  refused: () => new GraphQLError("refused", { extensions: { code: "NOT_FOUND" } }),
  hard: () => fail("hard"), hardLate: () => Promise.reject(new Error("hardLate")), absent: () => null, absentLate: () => late(null),
  self: () => thing, lateSelf: () => late(thing), perhaps: () => thing, latePerhaps: () => late(thing),
  all: () => [thing, thing], some: () => [thing, null, late(thing), late(null)], lateAll: () => late([thing, late(thing)]),
  someBroken: () => ["a", Promise.reject(new Error("item")), new Error("other item")], hardBroken: () => ["a", late(null)], nested: () => new Set([[1, 2], [], [3]]),
  echo: (_, args) => JSON.stringify(args), named: () => items, any: () => items[1], lateAny: () => late(items[0]), nobody: () => ({}),
  thing: () => thing, lateThing: () => late(thing)
}
for (const type of Object.values(schema.getTypeMap())) {
  if (!(type instanceof GraphQLObjectType) || type.name.startsWith("__")) continue
  for (const field of Object.values(type.getFields())) {
    const resolve = resolvers[field.name]
    if (resolve !== undefined) field.resolve = resolve
  }
}

const plain = (result: ExecutionResult) => JSON.parse(JSON.stringify(result)) as { readonly data?: object | null; readonly errors?: ReadonlyArray<{ readonly path?: ReadonlyArray<unknown> }> }

/** In which order late errors come is nobody's business. */
const byPath = ({ errors = [] }: ReturnType<typeof plain>) => errors.toSorted((a, b) => JSON.stringify(a.path).localeCompare(JSON.stringify(b.path)))

const both = async (query: string, variableValues: Readonly<Record<string, unknown>> = {}) => {
  const document = parse(query)
  expect(validate(schema, document)).toEqual([])
  const args = { schema, document, variableValues }
  // The second time by the plan that the first has made.
  await execute(args)
  return { ours: plain(await execute(args)), theirs: plain(await executeByGraphql(args)) }
}

const leaves = ["__typename", "name", "late", "maybe", "none", "lateNone", "colour", "again: name", "echo", "echo(text: null)", "echo(n: $n)", "echo(n: 2)", "nested"]
const softFailures = ["broken", "brokenLate", "refused", "wrong", "wrongColour", "notAList", "someBroken"]
const hardFailures = ["hard", "hardLate", "absent", "absentLate", "hardBroken"]
const conditions = ["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @skip(if: false)"]
const objects = ["self", "lateSelf", "perhaps", "latePerhaps", "all", "some", "lateAll"]

const selections = (names: ReadonlyArray<string>): fc.Arbitrary<string> =>
  fc.letrec<{ set: string; object: string; fragment: string }>((tie) => ({
    set: fc.array(fc.oneof({ maxDepth: 3 }, fc.constantFrom(...names), tie("object"), tie("fragment")), { minLength: 1, maxLength: 5 }).map((fields) =>
      // Aliases keep fields apart that could not be merged.
      `{ ${fields.map((field, index) => (field.startsWith("...") ? field : `f${index}_${fields.length}: ${field.replace(/^\w+: /u, "")}`)).join(" ")} }`),
    object: fc.tuple(fc.constantFrom(...objects), fc.constantFrom(...conditions), tie("set")).map((parts) => parts.join("")),
    fragment: fc.constantFrom("... on Thing { inThing: name }", "... on Named { name }", "...F", "... @include(if: $yes) { maybe }")
  })).set

const operation = (set: string) => `query ($n: Int, $yes: Boolean = true) { u: __typename @skip(if: $yes) thing { v: echo(n: $n) ...F inner: perhaps ${set} } lateThing ${set} } fragment F on Thing { late any { __typename ... on Other { other } ... on Named { name } } lateAny { ...G } named { name ... on Other { other } } } fragment G on Named { name __typename }`

// Lists in lists in lists: some of what is drawn is long.
describe("executing a query by its plan", { timeout: 60_000 }, () => {
  it("answers as graphql-js does, whatever is asked for, in the same order", async () => {
    await fc.assert(fc.asyncProperty(selections([...leaves, ...softFailures]), fc.option(fc.boolean(), { nil: undefined }), fc.integer({ min: 0, max: 9 }), async (set, yes, n) => {
      const { ours, theirs } = await both(operation(set), { n, ...(yes !== undefined && { yes }) })
      expect(JSON.stringify(ours.data)).toBe(JSON.stringify(theirs.data))
      expect(byPath(ours)).toEqual(byPath(theirs))
    }), { numRuns: 100 })
  })

  it("nulls what graphql-js nulls where something fails that cannot be null", async () => {
    await fc.assert(fc.asyncProperty(selections([...leaves, ...softFailures, ...hardFailures]), async (set) => {
      const { ours, theirs } = await both(operation(set))
      expect(JSON.stringify(ours.data)).toBe(JSON.stringify(theirs.data))
      expect(ours.errors === undefined).toBe(theirs.errors === undefined)
    }), { numRuns: 100 })
  })

  it.each([
    "{ thing { name hard } }",
    "{ thing { perhaps { self { absentLate } } some { hardLate } } }",
    "{ lateThing { hard } thing { name } }",
    "{ thing { all { name absent } } perhaps { name } }",
    "{ thing { hardBroken latePerhaps { lateAll { self { hardLate } } } } }"
  ])("says the same of what went wrong: %s", async (query) => {
    const { ours, theirs } = await both(query)
    expect(ours.data).toEqual(theirs.data)
    expect(byPath(ours)).toEqual(byPath(theirs))
    expect(ours.errors?.length).toBeGreaterThan(0)
  })

  it.each([
    ["a variable of the wrong type", "query ($n: Int!) { thing { echo(n: $n) } }", { n: "x" }],
    ["a variable that is missing", "query ($n: Int!) { thing { echo(n: $n) } }", {}],
    ["introspection", "{ __schema { queryType { name } } thing { name } }", {}],
    ["a name that JavaScript has for itself", "{ thing { __proto__: name constructor: name } }", {}]
  ])("leaves to graphql-js: %s", async (_what, query, variables) => {
    const { ours, theirs } = await both(query, variables)
    expect(ours).toEqual(theirs)
  })

  it("says what is wrong with a thing of no type", async () => {
    const { ours } = await both("{ thing { nobody { __typename } name } }")
    expect(ours).toMatchObject({ data: { thing: { nobody: null, name: "n" } }, errors: [{ path: ["thing", "nobody"], message: expect.stringContaining(`"Any" must resolve to an Object type`) }] })
  })

  it("tells resolvers where they are", async () => {
    const field = schema.getQueryType()?.getFields()["perhaps"]
    const before = field?.resolve
    const told: Array<unknown> = []
    if (field !== undefined) {
      field.resolve = (_source, _args, _context, info) => {
        told.push([info.fieldName, info.path, info.parentType, info.returnType, info.fieldNodes.length, info.operation.name?.value, info.variableValues.coerced, info.schema === schema])
        return thing
      }
    }
    await both("query Told($yes: Boolean = true) { a: perhaps { name @include(if: $yes) } a: perhaps { maybe } }")
    expect(told).toHaveLength(3)
    expect(told[0]).toEqual(told[2])
    if (field !== undefined && before !== undefined) field.resolve = before
  })

  it("tells resolvers the way from the root", async () => {
    const type = schema.getType("Thing")
    const field = type instanceof GraphQLObjectType ? type.getFields()["wrong"] : undefined
    const told: Array<unknown> = []
    if (field !== undefined) field.resolve = (_source, _args, _context, info) => void told.push(JSON.stringify(info.path))
    await both("{ a: thing { b: all { c: wrong } } }")
    expect(told).toHaveLength(6)
    expect(new Set(told).size).toBe(2)
    if (field !== undefined) field.resolve = () => "no number"
  })
})
