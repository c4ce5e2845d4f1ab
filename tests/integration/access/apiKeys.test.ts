import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { adminKey, bearer, keysRequired, makeKey, revokeKey } from "../../support/access.ts"
import { engines } from "../../support/database.ts"
import { useTestServer } from "../../support/testServer.ts"
import { eventually } from "../../support/watching.ts"

const list = "{ apiKeys { id name scopes prefix createdAt lastUsedAt expiresAt } }"
const create = `mutation ($name: String!, $scopes: [ApiKeyScope!]!, $expiresAt: DateTime) {
  apiKeyCreate(name: $name, scopes: $scopes, expiresAt: $expiresAt) { __typename ... on InvalidInputError { issues { path message } } ... on ApiKeyCreateSuccess { token apiKey { name scopes expiresAt } } }
}`

describe.each(engines)("API keys on %s", (engine) => {
  const server = useTestServer(engine, { access: keysRequired })
  const as = (token: string, query: string, variables: object = {}) => server.graphql(query, variables, bearer(token))
  const codes = (answer: Awaited<ReturnType<typeof as>>) => answer.errors?.map((error) => error.extensions.code)

  it("are made by the admin, told once and kept as hashes", async () => {
    const { data } = await as(adminKey, create, { name: " Studio ", scopes: ["WRITE", "READ", "WRITE"], expiresAt: "2999-01-01T00:00:00Z" })
    expect(data.apiKeyCreate.apiKey).toEqual({ name: "Studio", scopes: ["WRITE", "READ"], expiresAt: "2999-01-01T00:00:00.000Z" })
    const { token } = data.apiKeyCreate
    expect(token).toMatch(/^playhead_[0-9a-f]{12}_[\w-]{43}$/)
    const rows = await server.sql<{ token_hash: string }>("select *, to_jsonb(api_key)::text as everything from api_key where name = 'Studio'")
    expect(rows[0]?.token_hash).toBe(createHash("sha256").update(token).digest("hex"))
    expect(JSON.stringify(rows)).not.toContain(token.slice(22))
    const shown = await as(adminKey, list)
    expect(JSON.stringify(shown)).not.toContain(token.slice(22))
    expect(shown.data.apiKeys).toContainEqual(expect.objectContaining({ name: "Studio", prefix: token.slice(0, 21), lastUsedAt: null }))
    expect(server.logs.join()).not.toContain(token.slice(22))
  })

  it("let in whoever shows them, and nobody else", async () => {
    const { token } = await makeKey(server, ["READ"])
    expect(await as(token, "{ __typename }")).toEqual({ status: 200, data: { __typename: "Query" } })
    const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A")
    for (const shown of [wrong, token.slice(0, 21), `${token}x`, "playhead_", "x", adminKey.slice(1), "%00", "ey.ey.ey"]) {
      const answer = await as(shown, "{ __typename }")
      expect([shown, answer.status, codes(answer), answer.data]).toEqual([shown, 401, ["UNAUTHENTICATED"], undefined])
    }
    const nobody = await server.graphql("{ __typename }")
    expect([nobody.status, codes(nobody)]).toEqual([401, ["UNAUTHENTICATED"]])
    expect(codes(await server.graphql("{ __typename }", {}, { authorization: `Basic ${token}` }))).toEqual(["UNAUTHENTICATED"])
  })

  it.each([["READ", [true, false, false]], ["WRITE", [true, true, false]], ["ADMIN", [true, true, true]]] as const)("with the scope %s may do what it says and no more", async (scope, may) => {
    const { token } = await makeKey(server, [scope])
    const asked = ["{ tracks { edges { node { id } } } }", `mutation { jobCancel(id: "x") { __typename } }`, "{ apiKeys { id } }"]
    const answers = await Promise.all(asked.map((query) => as(token, query)))
    expect(answers.map((answer) => answer.errors === undefined)).toEqual(may)
    for (const answer of answers.filter(({ errors }) => errors !== undefined)) expect([answer.status, codes(answer), answer.data]).toEqual([403, ["FORBIDDEN"], undefined])
  })

  it("do nothing of an operation that asks for too much, in whatever way it is written", async () => {
    const { token } = await makeKey(server, ["WRITE"])
    const before = await server.sql("select count(*) from track")
    const make = `apiKeyCreate(name: "mine", scopes: [ADMIN]) { __typename }`
    const importOne = `trackImport(input: { source: { url: "http://example.org/a.mp3" } }) { __typename }`
    for (const query of [
      `mutation { ${importOne} ${make} }`,
      `mutation { ${importOne} harmless: ${make} }`,
      `mutation { ${importOne} ... { ... on Mutation { ...F } } } fragment F on Mutation { ${make} }`,
      `mutation { ${importOne} ... on Mutation @include(if: true) { ${make} } }`
    ]) {
      const answer = await as(token, query)
      expect(codes(answer)).toEqual(["FORBIDDEN"])
    }
    expect(await server.sql("select count(*) from track")).toEqual(before)
    expect(await server.sql("select 1 from api_key where name = 'mine'")).toEqual([])
  })

  it("are weighed by the operation that runs, not by others of its document", async () => {
    const { token } = await makeKey(server, ["READ"])
    const query = `query Mine { tracks { edges { node { id } } } } query Theirs { apiKeys { id } }`
    const send = async (operationName: string) => (await fetch(server.url(), { method: "POST", headers: { "content-type": "application/json", ...bearer(token) }, body: JSON.stringify({ query, operationName }) })).status
    expect([await send("Mine"), await send("Theirs")]).toEqual([200, 403])
  })

  it("cannot be seen through `node` without the scope ADMIN", async () => {
    const { id, prefix, token } = await makeKey(server, ["WRITE"])
    const query = "query ($id: ID!) { node(id: $id) { id ... on ApiKey { prefix } } nodes(ids: [$id]) { id } }"
    const answer = await as(token, query, { id })
    expect(JSON.stringify(answer)).not.toContain(prefix)
    expect(codes(answer)).toEqual(["FORBIDDEN", "FORBIDDEN"])
    expect((await as(adminKey, query, { id })).data).toEqual({ node: { id, prefix }, nodes: [{ id }] })
  })

  it("stop working when they expire", async () => {
    const { id, token } = await makeKey(server, ["READ"], new Date(Date.now() + 1_500))
    expect((await as(token, "{ __typename }")).status).toBe(200)
    await eventually(async () => (await as(token, "{ __typename }")).status).toBe(401)
    expect((await as(token, "{ __typename }")).errors?.[0].message).toContain("expired")
    expect((await as(adminKey, list)).data.apiKeys.map((key: { id: string }) => key.id)).toContain(id)
  })

  it("stop working at once when they are revoked, and can be revoked once", async () => {
    const { id, token } = await makeKey(server, ["READ"])
    expect((await as(token, "{ __typename }")).status).toBe(200)
    expect((await revokeKey(server, id)).data.apiKeyRevoke).toEqual({ __typename: "ApiKeyRevokeSuccess", id })
    expect((await as(token, "{ __typename }")).status).toBe(401)
    expect((await revokeKey(server, id)).data.apiKeyRevoke).toMatchObject({ __typename: "NotFoundError", id })
    expect((await revokeKey(server, "nonsense")).data.apiKeyRevoke).toMatchObject({ __typename: "NotFoundError", id: "nonsense" })
    expect((await as(adminKey, list)).data.apiKeys.map((key: { id: string }) => key.id)).not.toContain(id)
  })

  it("are refused with every fault named", async () => {
    const refused = async (variables: object) => (await as(adminKey, create, variables)).data.apiKeyCreate
    expect(await refused({ name: " ", scopes: [] })).toMatchObject({ __typename: "InvalidInputError", issues: [{ path: ["name"] }, { path: ["scopes"] }] })
    expect(await refused({ name: "x".repeat(201), scopes: ["READ"] })).toMatchObject({ issues: [{ path: ["name"] }] })
    expect(await refused({ name: "late", scopes: ["READ"], expiresAt: "2020-01-01T00:00:00Z" })).toMatchObject({ issues: [{ path: ["expiresAt"] }] })
  })

  it("tell when they were last used, without a write or a read for each request", async () => {
    const { id, token } = await makeKey(server, ["READ"])
    await as(token, "{ __typename }")
    const lastUsed = async () => (await as(adminKey, list)).data.apiKeys.find((key: { id: string }) => key.id === id).lastUsedAt
    await eventually(lastUsed).not.toBeNull()
    const first = await lastUsed()
    server.queries.length = 0
    for (let n = 0; n < 20; n++) await as(token, "{ __typename }")
    expect(server.queries).toEqual([])
    expect(await lastUsed()).toBe(first)
  })

  it("refuse a thousand aliases as soon as anybody sends them", async () => {
    const { token } = await makeKey(server, ["READ"])
    const query = `{ ${Array.from({ length: 1_000 }, (_, n) => `a${n}: apiKeys { id }`).join(" ")} }`
    server.queries.length = 0
    const known = await as(token, query)
    expect(known.data ?? null).toBeNull()
    expect(known.errors?.[0].message).toContain("1000 tokens")
    expect((await server.graphql(query)).status).toBe(401)
    expect(server.queries.filter((name) => name === "apiKeys.live")).toEqual([])
  })
})
