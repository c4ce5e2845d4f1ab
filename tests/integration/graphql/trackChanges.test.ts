import { beforeEach, describe, expect, it } from "vitest"
import { engines } from "../../support/database.ts"
import { jobId, trackId, useTestServer } from "../../support/testServer.ts"

const update = `mutation ($id: ID!, $input: TrackUpdateInput!) { trackUpdate(id: $id, input: $input) {
  __typename
  ... on TrackUpdateSuccess { track { title artist album albumArtist genres year trackNumber tags language version metadataQuality } }
  ... on InvalidInputError { issues { path message } }
  ... on ConflictError { version }
  ... on NotFoundError { id }
  ... on Error { code message }
} }`
const remove = `mutation ($id: ID!) { trackDelete(id: $id) {
  __typename ... on TrackDeleteSuccess { id } ... on ConflictError { jobStatus } ... on NotFoundError { id } ... on Error { code message }
} }`

describe.each(engines)("changing tracks on %s", (engine) => {
  const server = useTestServer(engine)
  let inserted: { trackId: string; jobId: string }
  let id: string

  beforeEach(async () => {
    inserted = await server.insertTrack({ title: "Before", artist: "Somebody", tags: ["old"] })
    id = trackId(inserted.trackId)
  })

  const updateTrack = async (input: object, which = id) => {
    const answer = await server.graphql(update, { id: which, input })
    expect(answer.errors).toBeUndefined()
    return answer.data.trackUpdate
  }
  const deleteTrack = async (which = id) => {
    const answer = await server.graphql(remove, { id: which })
    expect(answer.errors).toBeUndefined()
    return answer.data.trackDelete
  }

  it("changes what is given, and nothing else", async () => {
    expect(await updateTrack({ title: " After ", year: 1999, genres: ["Dub", "Dub", "Ska"] })).toMatchObject({
      __typename: "TrackUpdateSuccess",
      track: { title: "After", artist: "Somebody", genres: ["Dub", "Ska"], year: 1999, tags: ["old"], version: 2 }
    })
    expect(await updateTrack({ artist: null, tags: null, album: "Album", albumArtist: "All", trackNumber: 3, language: "pt-BR" })).toMatchObject({
      track: { title: "After", artist: null, tags: [], album: "Album", albumArtist: "All", trackNumber: 3, language: "pt-BR", version: 3 }
    })
    expect((await updateTrack({})).track.version).toBe(3)
  })

  it("rates anew how well the track is described", async () => {
    const { track: plain } = await updateTrack({ title: "A title" })
    const { track: better } = await updateTrack({ album: "Album", year: 1999, genres: ["Dub"], trackNumber: 1 })
    expect(plain.metadataQuality).toBeCloseTo(0.5)
    expect(better.metadataQuality).toBeCloseTo(0.85)
    expect((await updateTrack({ artist: null })).track.metadataQuality).toBeCloseTo(0.6)
  })

  it("changes nothing where one of several fields is at fault", async () => {
    expect(await updateTrack({ title: "After", year: 0 })).toMatchObject({ __typename: "InvalidInputError", issues: [{ path: ["input", "year"] }] })
    expect((await updateTrack({})).track).toMatchObject({ title: "Before", version: 1 })
  })

  it("does nothing for who has read an older version, and says which is the present one", async () => {
    await updateTrack({ title: "Mine", version: 1 })
    expect(await updateTrack({ title: "Yours", version: 1 })).toMatchObject({ __typename: "ConflictError", code: "CONFLICT", version: 2, message: expect.stringContaining("Read it again") })
    expect((await updateTrack({})).track.title).toBe("Mine")
  })

  it("lets one of many win who change the same version", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => updateTrack({ title: `Try ${n}`, version: 1 })))
    expect(answers.filter((answer) => answer.__typename === "TrackUpdateSuccess")).toHaveLength(1)
    expect(answers.filter((answer) => answer.__typename === "ConflictError")).toHaveLength(7)
  })

  it.each(["rubbish", jobId("00000000-0000-7000-8000-000000000000"), trackId("00000000-0000-7000-8000-000000000000")])("finds no track under the id %s", async (which) => {
    expect(await updateTrack({ title: "x" }, which)).toMatchObject({ __typename: "NotFoundError", id: which })
    expect(await deleteTrack(which)).toMatchObject({ __typename: "NotFoundError", id: which })
  })

  it.each(["QUEUED", "RUNNING", "WAITING", "CANCELLING"])("refuses to delete a track while a job of it is %s", async (status) => {
    await server.sql("update job set status = $2 where id = $1", [inserted.jobId, status])
    expect(await deleteTrack()).toMatchObject({ __typename: "ConflictError", code: "CONFLICT", jobStatus: status })
    expect((await updateTrack({})).track.title).toBe("Before")
  })

  it("deletes a track with all that belongs to it, and keeps files that others need", async () => {
    await server.sql("update job set status = 'SUCCEEDED' where id = $1", [inserted.jobId])
    const other = await server.insertTrack()
    const shared = await server.insertArtifact(other.trackId)
    const own = await server.insertArtifact(inserted.trackId)
    await server.sql("insert into artifact (id, track_id, role, sha256, media_type, size_bytes, created_at) select gen_random_uuid(), $1, 'TRIMMED', sha256, media_type, size_bytes, now() from artifact where id = $2", [inserted.trackId, shared])
    const blobsOf = async (artifact: string) => server.sql<{ n: number }>("select count(*)::int as n from blob where sha256 in (select encode(sha256(convert_to($1, 'UTF8')), 'hex'))", [artifact])
    expect(await blobsOf(own)).toEqual([{ n: 1 }])

    expect(await deleteTrack()).toEqual({ __typename: "TrackDeleteSuccess", id })
    expect(await blobsOf(own)).toEqual([{ n: 0 }])
    expect(await blobsOf(shared)).toEqual([{ n: 1 }])
    expect(await server.sql("select 1 from artifact where track_id = $1", [inserted.trackId])).toEqual([])
    expect(await server.sql("select track_id from job where id = $1", [inserted.jobId])).toEqual([{ track_id: null }])
    const { data } = await server.graphql("query ($id: ID!, $job: ID!) { track(id: $id) { id } node(id: $id) { id } job(id: $job) { track { id } } }", { id, job: jobId(inserted.jobId) })
    expect(data).toEqual({ track: null, node: null, job: { track: null } })
    expect(await deleteTrack()).toMatchObject({ __typename: "NotFoundError" })
    expect(await updateTrack({ title: "x" })).toMatchObject({ __typename: "NotFoundError" })
  })

  it("lets go of the files that a failed job kept for another try", async () => {
    const held = "ab".repeat(32)
    await server.sql("update job set status = 'FAILED' where id = $1", [inserted.jobId])
    await server.sql("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", [held])
    await server.sql("insert into job_blob (job_id, sha256, created_at) values ($1, $2, now())", [inserted.jobId, held])
    await deleteTrack()
    expect(await server.sql("select 1 from blob where sha256 = $1", [held])).toEqual([])
  })

  it("comes to one of both when a track is changed and deleted at once", async () => {
    await server.sql("update job set status = 'SUCCEEDED' where id = $1", [inserted.jobId])
    const answers = await Promise.all([...Array.from({ length: 6 }, (_, n) => updateTrack({ title: `${n}` })), deleteTrack(), deleteTrack()])
    expect(answers.filter((answer) => answer.__typename === "TrackDeleteSuccess")).toHaveLength(1)
    expect(answers.every((answer) => ["TrackUpdateSuccess", "TrackDeleteSuccess", "NotFoundError"].includes(answer.__typename))).toBe(true)
  })
})

describe("importing many at once", () => {
  const server = useTestServer("postgres")
  const batch = `mutation ($inputs: [TrackImportInput!]!) { trackImportBatch(inputs: $inputs) {
    __typename ... on TrackImportSuccess { track { title tags } job { status } } ... on InvalidInputError { issues { path } } ... on Error { code }
  } }`
  const source = { url: "https://example.org/a.mp3" }

  it("answers each in its place, and fails the bad ones alone", async () => {
    const { data, errors } = await server.graphql(batch, {
      inputs: [
        { source, title: "First", tags: ["a"] },
        { source: { url: "https://blocked.test" } },
        { source, title: "" },
        { source, title: "nul\u0000", tags: ["fine", ""] },
        { source: { file: "missing.mp3" } },
        { source, title: "Last" }
      ]
    })
    expect(errors).toBeUndefined()
    expect(data.trackImportBatch).toEqual([
      { __typename: "TrackImportSuccess", track: { title: "First", tags: expect.any(Array) }, job: { status: "QUEUED" } },
      { __typename: "SourceBlockedError", code: "SOURCE_BLOCKED" },
      { __typename: "InvalidInputError", code: "INVALID_INPUT", issues: [{ path: ["inputs", "2", "title"] }] },
      { __typename: "InvalidInputError", code: "INVALID_INPUT", issues: [{ path: ["inputs", "3", "title"] }, { path: ["inputs", "3", "tags", "1"] }] },
      { __typename: "NotFoundError", code: "NOT_FOUND" },
      { __typename: "TrackImportSuccess", track: { title: "Last", tags: [] }, job: { status: "QUEUED" } }
    ])
  })

  it("takes nothing, and a hundred, and no more", async () => {
    expect((await server.graphql(batch, { inputs: [] })).data.trackImportBatch).toEqual([])
    const many = (length: number) => ({ inputs: Array.from({ length }, (_, n) => ({ source, title: `${n}` })) })
    const { data } = await server.graphql(batch, many(100))
    expect(data.trackImportBatch.map((result: { track: { title: string } }) => result.track.title)).toEqual(Array.from({ length: 100 }, (_, n) => `${n}`))
    const tooMany = await server.graphql(batch, many(101))
    expect(tooMany.errors?.[0]).toMatchObject({ extensions: { code: "INVALID_INPUT" }, message: expect.stringContaining("100") })
  })
})
