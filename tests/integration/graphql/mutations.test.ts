import { describe, expect, it } from "vitest"
import { useTestServer } from "../../support/testServer.ts"

const server = useTestServer("postgres")

const importing = `mutation ($input: TrackImportInput!) { trackImport(input: $input) {
  __typename
  ... on TrackImportSuccess { replayed track { title status } job { status priority stages { name } } }
  ... on InvalidInputError { issues { path message } }
  ... on SourceBlockedError { host }
  ... on Error { code message retryable }
} }`

const importTrack = async (input: object) => {
  const answer = await server.graphql(importing, { input })
  expect(answer.errors).toBeUndefined()
  return answer.data.trackImport
}

const source = { url: "https://example.org/a.mp3" }

describe("importing", () => {
  it("answers with the track and its job", async () => {
    expect(await importTrack({ source, title: "  Mine " })).toEqual({
      __typename: "TrackImportSuccess",
      replayed: false,
      track: { title: "Mine", status: "PENDING" },
      job: { status: "QUEUED", priority: "NORMAL", stages: [{ name: "DOWNLOAD" }] }
    })
  })

  it("answers with the failures that the field declares, as members of its union", async () => {
    expect(await importTrack({ source: { url: "https://blocked.test" } })).toEqual({ __typename: "SourceBlockedError", host: "blocked", code: "SOURCE_BLOCKED", message: "The address is private.", retryable: false })
    expect(await importTrack({ source: { file: "missing.mp3" } })).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" })
  })

  it.each([
    [{ source, title: "" }, ["input", "title"]],
    [{ source, title: "   " }, ["input", "title"]],
    [{ source, title: "x".repeat(201) }, ["input", "title"]],
    [{ source, artist: "" }, ["input", "artist"]],
    [{ source, album: "x".repeat(201) }, ["input", "album"]],
    [{ source, tags: ["fine", ""] }, ["input", "tags", "1"]],
    [{ source, tags: ["x".repeat(51)] }, ["input", "tags", "0"]],
    [{ source, tags: Array.from({ length: 51 }, (_, n) => `${n}`) }, ["input", "tags"]],
    [{ source, idempotencyKey: "" }, ["input", "idempotencyKey"]],
    [{ source, idempotencyKey: "x".repeat(201) }, ["input", "idempotencyKey"]],
    [{ source: { url: "ftp://example.org/a" } }, ["input", "source", "url"]],
    [{ source: { url: "no address" } }, ["input", "source", "url"]],
    [{ source: { url: `https://example.org/${"x".repeat(2048)}` } }, ["input", "source", "url"]],
    [{ source: { file: "" } }, ["input", "source", "file"]]
  ])("finds the fault of %j", async (input, path) => {
    const answer = await importTrack(input)
    expect(answer).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT", retryable: false, issues: [{ path }] })
    expect(answer.issues[0].message.length).toBeGreaterThan(5)
  })

  it("finds every fault at once", async () => {
    const answer = await importTrack({ source: { url: "x" }, title: "", tags: [""] })
    expect(answer.issues.map((issue: { path: ReadonlyArray<string> }) => issue.path.join("."))).toEqual(expect.arrayContaining(["input.source.url", "input.title", "input.tags.0"]))
  })

  it("counts characters as people do", async () => {
    expect(await importTrack({ source, title: "é".repeat(200) })).toMatchObject({ __typename: "TrackImportSuccess" })
    expect(await importTrack({ source, title: "👩‍🚀".repeat(25) })).toMatchObject({ __typename: "TrackImportSuccess" })
  })

  it("leaves to GraphQL what its types rule out", async () => {
    for (const input of [{ source: {} }, { source: { url: "https://example.org", file: "a" } }, { source, priority: "URGENT" }, {}]) {
      const answer = await server.graphql(importing, { input })
      expect(answer.errors?.length).toBeGreaterThan(0)
      expect(answer.errors?.[0].extensions?.code).not.toBe("INTERNAL")
    }
  })
})

describe("a bug", () => {
  it("is masked, under an id that one line of the log has with everything else", async () => {
    const { data, errors } = await server.graphql(importing, { input: { source: { url: "https://bug.test" } } })
    expect(data ?? null).toBeNull()
    expect(errors).toHaveLength(1)
    expect(errors?.[0].extensions.code).toBe("INTERNAL")
    expect(JSON.stringify(errors)).not.toContain("secret")
    const { incidentId } = errors?.[0].extensions ?? {}
    expect(errors?.[0].path).toEqual(["trackImport"])
    const told = server.logs.filter((line) => line.includes(incidentId))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain("a secret of the inside")
  })
})

describe("health", () => {
  it("is told with every check", async () => {
    const { data } = await server.graphql("{ health { status version uptimeSeconds checks { name status message latencyMs } } }")
    expect(data.health).toMatchObject({ status: "HEALTHY", version: "1.2.3", checks: [{ name: "database", status: "HEALTHY", message: null }] })
  })
})
