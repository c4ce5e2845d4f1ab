import { beforeAll, describe, expect, it } from "vitest"
import { engines } from "../../support/database.ts"
import { artifactId, jobId, trackId, useTestServer } from "../../support/testServer.ts"

const page = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: TrackFilter) {
  tracks(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { title } }
  }
}`

describe.each(engines)("reading the library on %s", (engine) => {
  const server = useTestServer(engine)
  const inserted: Array<{ trackId: string; jobId: string }> = []
  const artifacts: Array<string> = []

  beforeAll(async () => {
    for (let n = 0; n < 25; n += 1) {
      const ids = await server.insertTrack({ title: `Song ${n}`, artist: n % 2 === 0 ? "Even" : "Odd", status: n < 5 ? "READY" : "PENDING", tags: n < 3 ? ["dub"] : [], year: 2000 + n })
      inserted.push(ids)
      artifacts.push(await server.insertArtifact(ids.trackId))
    }
  })

  const tracks = async (variables: object) => {
    const answer = await server.graphql(page, variables)
    expect(answer.errors).toBeUndefined()
    return answer.data.tracks
  }
  const titles = (connection: { edges: ReadonlyArray<{ node: { title: string } }> }) => connection.edges.map((edge) => edge.node.title)
  const newestFirst = Array.from({ length: 25 }, (_, n) => `Song ${24 - n}`)

  it("returns the newest twenty unless told otherwise", async () => {
    const found = await tracks({})
    expect(titles(found)).toEqual(newestFirst.slice(0, 20))
    expect(found).toMatchObject({ totalCount: 25, pageInfo: { hasNextPage: true, hasPreviousPage: false } })
  })

  it("goes through all of it forwards, without gap or repeat", async () => {
    const seen: Array<string> = []
    let after: string | null = null
    for (let n = 0; n < 10; n += 1) {
      const found = await tracks({ first: 7, after })
      seen.push(...titles(found))
      after = found.pageInfo.endCursor
      if (!found.pageInfo.hasNextPage) break
    }
    expect(seen).toEqual(newestFirst)
  })

  it("goes through all of it backwards, each page in the same order", async () => {
    const seen: Array<string> = []
    let before: string | null = null
    for (let n = 0; n < 10; n += 1) {
      const found = await tracks({ last: 7, before })
      seen.unshift(...titles(found))
      before = found.pageInfo.startCursor
      if (!found.pageInfo.hasPreviousPage) break
    }
    expect(seen).toEqual(newestFirst)
  })

  it("counts only when it is asked to", async () => {
    server.queries.length = 0
    await server.graphql("{ tracks { edges { node { id } } } }")
    expect(server.queries).toEqual([expect.stringMatching(/^tracks\.page/)])
  })

  it.each([
    [{ first: 0 }, "first"],
    [{ first: -1 }, "first"],
    [{ first: 101 }, "first"],
    [{ last: 101 }, "last"],
    [{ first: 1, last: 1 }, "not both"],
    [{ after: "rubbish" }, "after"],
    [{ before: Buffer.from("jobs/00000000-0000-7000-8000-000000000000").toString("base64url") }, "before"]
  ])("says what is wrong with a page of %j", async (variables, word) => {
    const answer = await server.graphql(page, variables)
    expect(answer.errors?.[0]).toMatchObject({ extensions: { code: "INVALID_INPUT" } })
    expect(answer.errors?.[0].message).toContain(word)
  })

  it.each([
    [{ status: ["READY"] }, 5],
    [{ artist: "even" }, 13],
    [{ tag: "dub" }, 3],
    [{ yearFrom: 2003, yearTo: 2004 }, 2],
    [{ status: ["READY"], artist: "Odd" }, 2],
    [{ album: "None" }, 0],
    [{ status: null }, 25]
  ])("finds what matches %j", async (filter, count) => {
    const found = await tracks({ filter, first: 100 })
    expect(found.edges.length).toBe(count)
    expect(found.totalCount).toBe(count)
  })

  it("filters jobs by kind, status, track and degradation", async () => {
    const jobs = async (filter: object) => (await server.graphql("query ($filter: JobFilter) { jobs(filter: $filter, first: 100) { totalCount edges { node { id } } } }", { filter })).data.jobs.totalCount
    expect(await jobs({ kind: ["IMPORT"], status: ["QUEUED"] })).toBe(25)
    expect(await jobs({ kind: ["TRIM"] })).toBe(0)
    expect(await jobs({ trackId: trackId(inserted[3]!.trackId) })).toBe(1)
    expect(await jobs({ degraded: true })).toBe(0)
    expect(await jobs({ trackId: "rubbish" })).toBe(0)
    expect(await jobs({ trackId: jobId(inserted[3]!.jobId) })).toBe(0)
  })

  it("asks the database once for each kind of thing, however long the list is", async () => {
    const query = `query ($first: Int) { tracks(first: $first) { edges { node {
      id latestJob { id stages { name } currentStage { name } queuePosition track { id } } artifacts { id waveform { samplesPerPixel } } waveform { jsonUrl } cover { id }
    } } } }`
    const counts: Array<number> = []
    for (const first of [1, 20]) {
      server.queries.length = 0
      expect((await server.graphql(query, { first })).errors).toBeUndefined()
      counts.push(server.queries.length)
    }
    expect(counts[0]).toBe(counts[1])
    expect(counts[1]).toBeLessThanOrEqual(8)

    server.queries.length = 0
    await server.graphql("{ jobs(first: 20) { edges { node { id track { id title } } } } }")
    expect(server.queries).toEqual(["jobs.page.desc", "tracks.byId"])
  })

  it("reads the pages of jobs, the logs and the predecessors of a whole list at once", async () => {
    const query = `query ($first: Int) { tracks(first: $first) { edges { node {
      jobs(first: 2) { totalCount pageInfo { endCursor } edges { node { events(first: 5) { sequence } retryOf { id } } } }
    } } } }`
    for (const first of [1, 20]) {
      server.queries.length = 0
      expect((await server.graphql(query, { first })).errors).toBeUndefined()
      expect(server.queries.toSorted()).toEqual(["jobEvents.byJob", "jobs.countByTrack", "jobs.pagesByTrack", expect.stringMatching(/^tracks\.page/)])
    }
  })

  it("gives each track of a list its own page of jobs, forwards and backwards", async () => {
    const ids = await Promise.all(Array.from({ length: 3 }, async () => (await server.insertTrack({ title: "Busy" })).trackId))
    for (const [index, id] of ids.entries()) {
      for (let n = 0; n < index * 2; n += 1) {
        await server.sql(
          `insert into job (id, kind, status, priority, track_id, retry_of, options, last_sequence, created_at, updated_at)
           select ('ffffffff-ffff-7fff-8fff-' || lpad($2::text, 12, '0'))::uuid, 'TRIM', 'FAILED', 1, $1, (select min(id::text)::uuid from job where track_id = $1), '{}', 0, now(), now()`,
          [id, index * 10 + n]
        )
      }
    }
    const nodes = ids.map(trackId)
    const jobsOf = async (pages: string) =>
      (await server.graphql(`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Track { ${pages} } } }`, { ids: nodes })).data.nodes
    const fields = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { id } }"

    const all = (await jobsOf(`jobs { ${fields} }`)).map((track: { jobs: { edges: ReadonlyArray<{ node: { id: string } }> } }) => track.jobs.edges.map(({ node }) => node.id))
    expect(all.map((jobs: ReadonlyArray<string>) => jobs.length)).toEqual([1, 3, 5])
    server.queries.length = 0
    const pages = await jobsOf(`start: jobs(first: 2) { ${fields} } end: jobs(last: 2) { ${fields} }`)
    expect(server.queries.toSorted()).toEqual(["jobs.countByTrack", "jobs.pagesByTrack", "tracks.byId"])
    for (const [index, { end, start }] of pages.entries()) {
      expect(start).toMatchObject({ totalCount: all[index].length, pageInfo: { hasNextPage: index > 0, hasPreviousPage: false }, edges: all[index].slice(0, 2).map((id: string) => ({ node: { id } })) })
      expect(end).toMatchObject({ totalCount: all[index].length, pageInfo: { hasNextPage: false, hasPreviousPage: index > 0 }, edges: all[index].slice(-2).map((id: string) => ({ node: { id } })) })
    }

    const last = nodes[2]
    const { data } = await server.graphql(
      `query ($id: ID!, $after: String, $before: String) { track(id: $id) {
        rest: jobs(after: $after) { edges { node { id retryOf { id } } } } between: jobs(last: 1, after: $after, before: $before) { edges { node { id } } } } }`,
      { id: last, after: pages[2].start.pageInfo.endCursor, before: pages[2].end.pageInfo.endCursor }
    )
    expect(data.track.rest.edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual(all[2].slice(2))
    expect(data.track.rest.edges[0].node.retryOf).toEqual({ id: all[2][4] })
    expect(data.track.between.edges).toEqual([{ node: { id: all[2][3] } }])
  })

  it("shows sizes beyond 32 bits, instants in ISO 8601 and addresses that are absolute", async () => {
    const { data, errors } = await server.graphql(
      `query ($id: ID!) { track(id: $id) {
        sizeBytes createdAt artifacts(role: ORIGINAL) { url sizeBytes loudness { integratedLufs truePeakDbtp rangeLu } track { title } }
        waveform { samplesPerPixel jsonUrl(samplesPerPixel: 512) datUrl imageUrl(width: 300, height: 100) } cover { id }
      } }`,
      { id: trackId(inserted[0]!.trackId) }
    )
    expect(errors).toBeUndefined()
    const media = `${server.url("/media/")}${artifactId(artifacts[0]!)}`
    expect(data.track).toMatchObject({
      sizeBytes: 5_000_000_000,
      artifacts: [{ url: media, sizeBytes: 5_000_000_000, loudness: { integratedLufs: -14, truePeakDbtp: -1, rangeLu: 6 }, track: { title: "Song 0" } }],
      waveform: { samplesPerPixel: [256, 1024], jsonUrl: `${media}/waveform.json?samplesPerPixel=512`, datUrl: `${media}/waveform.dat`, imageUrl: `${media}/waveform.png?width=300&height=100` },
      cover: null
    })
    expect(new Date(data.track.createdAt).toISOString()).toBe(data.track.createdAt)
  })

  it("finds anything by its id, and nothing by another's", async () => {
    const { jobId: job, trackId: track } = inserted[0]!
    const ids = [trackId(track), jobId(job), artifactId(artifacts[0]!), jobId(track), "rubbish", Buffer.from(`Blob:${track}`).toString("base64url"), track]
    const { data } = await server.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", { ids })
    expect(data.nodes).toEqual([{ __typename: "Track", id: ids[0] }, { __typename: "Job", id: ids[1] }, { __typename: "Artifact", id: ids[2] }, null, null, null, null])
    const single = await server.graphql("query ($id: ID!) { node(id: $id) { id } track(id: $id) { title } job(id: $id) { kind } }", { id: ids[0] })
    expect(single.data).toEqual({ node: { id: ids[0] }, track: { title: "Song 0" }, job: null })
  })

  it("finds nothing by an id of what is no type but the name of something in JavaScript", async () => {
    const ids = ["constructor", "__proto__", "toString"].map((type) => Buffer.from(`${type}:${inserted[0]!.trackId}`).toString("base64url"))
    expect(await server.graphql("query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }", { id: ids[0], ids })).toEqual({ status: 200, data: { node: null, nodes: [null, null, null] } })
  })

  it.each([
    ["query ($id: ID!) { job(id: $id) { id } }", {}],
    ["query ($filter: TrackFilter) { tracks(filter: $filter) { totalCount } }", { filter: { status: ["ASLEEP"] } }],
    ["query ($direction: OrderDirection) { tracks(orderBy: { field: TITLE, direction: $direction }) { totalCount } }", { direction: null }]
  ])("gives a code to what is wrong with a variable of %s", async (query, variables) => {
    const { errors } = await server.graphql(query, variables)
    expect(errors).toEqual([expect.objectContaining({ extensions: { code: "BAD_REQUEST" } })])
  })

  it("hides and logs that a field has a value which its type does not have", async () => {
    await server.sql("insert into failure_hour (hour, code, stage, provider, count, unhandled, recovered, recovery_ms, last_seen_at) values (date_trunc('hour', now(), 'UTC'), 'TIMED_OUT', 'A_STAGE_OF_LATER', '', 1, 0, 0, 0, now())")
    server.logs.length = 0
    const { errors } = await server.graphql("{ errorReport { groups { stage } } }")
    await server.sql("delete from failure_hour")
    expect(errors).toEqual([expect.objectContaining({ message: expect.not.stringContaining("StageName"), extensions: expect.objectContaining({ code: "INTERNAL" }) })])
    expect(server.logs.join()).toContain("A_STAGE_OF_LATER")
  })

  it("looks up a hundred things at once, and no more", async () => {
    const answer = await server.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: Array.from({ length: 101 }, () => "x") })
    expect(answer.errors?.[0].extensions.code).toBe("INVALID_INPUT")
  })

  it("shows the log of a job in parts", async () => {
    const { jobId: job } = await server.insertTrack()
    await server.appendEvent(job, "JobStartedEvent", { attempt: 1 })
    await server.appendEvent(job, "JobFailedEvent", { failure: { _tag: "UnsupportedMediaError", message: "It is a text.", detected: "text/plain", supported: ["flac"] } }, "FAILED")
    const { data } = await server.graphql(
      `query ($id: ID!) { job(id: $id) { status first: events(first: 2) { __typename sequence } rest: events(afterSequence: 2) {
        sequence ... on JobFailedEvent { failure { __typename code message retryable ... on UnsupportedMediaError { detected supported } } } } } }`,
      { id: jobId(job) }
    )
    expect(data.job.first).toEqual([{ __typename: "JobQueuedEvent", sequence: 1 }, { __typename: "JobStartedEvent", sequence: 2 }])
    expect(data.job.rest).toEqual([{
      sequence: 3,
      failure: { __typename: "UnsupportedMediaError", code: "UNSUPPORTED_MEDIA", message: "It is a text.", retryable: false, detected: "text/plain", supported: ["flac"] }
    }])
  })
})
