import { parse } from "graphql"
import { describe, expect, it } from "vitest"
import { operationSummary } from "../../../src/graphql/rootField.ts"

describe("what an operation is about", () => {
  it.each([
    ["{ tracks { totalCount } }", "query", "tracks"],
    ["query A { mine: tracks { totalCount } __typename }", "query", "tracks"],
    ["mutation { jobCancel(id: 1) { __typename } }", "mutation", "jobCancel"],
    ["{ ...Root } fragment Root on Query { ... on Query { health { status } } }", "query", "health"],
    ["{ health { status } tracks { totalCount } }", "query", "(several)"],
    ["{ __schema { types { name } } }", "query", "(introspection)"],
    ["{ __typename }", "query", "__typename"]
  ])("%s", (text, type, field) => {
    expect(operationSummary(parse(text), undefined)).toMatchObject({ type, field })
  })

  it("is that of the named one where there are several, and nothing where there is no such", () => {
    const document = parse("query A { health { status } } query B { tracks { totalCount } }")
    expect(operationSummary(document, "B")).toEqual({ type: "query", fields: ["tracks"], field: "tracks", name: "B" })
    expect(operationSummary(document, "C")).toBeUndefined()
    expect(operationSummary(document, undefined)).toBeUndefined()
  })
})
