import { describe, expect, it } from "vitest"
import { useTestServer } from "../../support/testServer.ts"

const server = useTestServer("postgres")

/** Status, headers that a client may look at, and text. */
const ask = async (body: object, accept?: string) => {
  const response = await fetch(server.url(), {
    method: "POST",
    headers: { "content-type": "application/json", ...(accept !== undefined && { accept }) },
    body: JSON.stringify(body)
  })
  const headers = Object.fromEntries(["content-type", "content-length"].map((name) => [name, response.headers.get(name)]))
  return { status: response.status, headers, text: await response.text() }
}

const accepts = [
  undefined,
  "*/*",
  "application/json",
  "application/graphql-response+json",
  "application/graphql-response+json, application/json;q=0.9",
  "application/json, application/graphql-response+json",
  "application/graphql-response+json; charset=utf-8",
  "text/html, */*",
  "image/png"
]

describe("asking the same again", () => {
  it.each(accepts)("is answered as it was at first, to who accepts %s", async (accept) => {
    const body = { query: `query Same${accepts.indexOf(accept)} { __typename tracks { totalCount edges { node { id } } } }` }
    const first = await ask(body, accept)
    expect(await ask(body, accept)).toEqual(first)
    expect(await ask({ ...body, variables: null, operationName: null, extensions: {} }, accept)).toEqual(first)
  })

  it.each([
    ["a field that fails", { query: `query ($n: Int) { tracks(first: $n) { totalCount } }`, variables: { n: 0 } }],
    ["a field that fails, by another type of answer", { query: `query ($n: Int) { tracks(first: $n) { totalCount } __typename }`, variables: { n: 1000 } }],
    ["a variable of the wrong type", { query: `query ($n: Int) { tracks(first: $n) { totalCount } }`, variables: { n: "x" } }],
    ["no variables where there must be some", { query: `query ($n: Int!) { tracks(first: $n) { totalCount } }` }],
    ["variables that are none", { query: `{ tracks { totalCount } }`, variables: [] }],
    ["an operation that is not there", { query: `query A { __typename } query B { __typename }`, operationName: "C" }],
    ["no choice of two", { query: `query A { __typename } query B { __typename }` }],
    ["an unknown parameter", { query: `{ tracks { totalCount } }`, more: 1 }],
    ["an operation's name that is none", { query: `{ tracks { totalCount } }`, operationName: 1 }]
  ])("says the same of %s", async (_what, body) => {
    await ask({ query: "{ tracks { totalCount } }" })
    for (const accept of ["application/json", "application/graphql-response+json"]) {
      const first = await ask(body, accept)
      expect(first.text).toContain("errors")
      expect(await ask(body, accept)).toEqual(first)
    }
  })

  it("keeps the operations of one text apart", async () => {
    const query = `query A { a: __typename } query B { b: __typename }`
    for (let again = 0; again < 2; again++) {
      expect((await ask({ query, operationName: "A" })).text).toBe(`{"data":{"a":"Query"}}`)
      expect((await ask({ query, operationName: "B" })).text).toBe(`{"data":{"b":"Query"}}`)
    }
  })

  it("does a mutation as often as it is asked for", async () => {
    const query = `mutation { trackDelete(id: "none") { __typename } }`
    const first = await ask({ query })
    expect(first.text).toContain("NotFoundError")
    expect(await ask({ query })).toEqual(first)
  })
})
