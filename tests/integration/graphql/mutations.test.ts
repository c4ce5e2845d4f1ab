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

  it("finds every fault at once", async () => {
    const answer = await importTrack({ source: { url: "x" }, title: "", tags: [""] })
    expect(answer.issues.map((issue: { path: ReadonlyArray<string> }) => issue.path.join("."))).toEqual(expect.arrayContaining(["input.source.url", "input.title", "input.tags.0"]))
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
