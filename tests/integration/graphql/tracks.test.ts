import { beforeAll, describe, expect, it } from "vitest"
import { engines } from "../../support/database.ts"
import { trackId, useTestServer } from "../../support/testServer.ts"

interface Song {
  readonly title: string
  readonly artist?: string | null
  readonly album?: string | null
  readonly albumArtist?: string | null
  readonly genres?: ReadonlyArray<string>
  readonly tags?: ReadonlyArray<string>
  readonly year?: number | null
  readonly durationMs?: number | null
}

const songs: ReadonlyArray<Song> = [
  { title: "Yesterday", artist: "The Beatles", album: "Help!", genres: ["Rock"], year: 1965, durationMs: 125_000 },
  { title: "Yesterday Once More", artist: "Carpenters", album: "Now & Then", genres: ["Pop"], year: 1973, durationMs: 240_000 },
  { title: "Für Élise", artist: "Ludwig van Beethoven", genres: ["Classical", "Piano Solo"], tags: ["Études"], durationMs: 180_000 },
  { title: "Don't Stop Me Now", artist: "Queen", album: "Jazz", genres: ["Rock"], year: 1978, durationMs: 209_000 },
  { title: "Jazz Suite", artist: "Shostakovich", year: 1938 },
  { title: "A Night", artist: "Jazz Messengers", album: "Live", year: 1960 },
  { title: "Blue", artist: "Somebody", genres: ["Jazz"], tags: ["late night"] },
  { title: "Группа крови", artist: "Кино", album: "Группа крови", year: 1988, durationMs: 285_000 },
  { title: "東京物語", artist: "さだまさし" },
  { title: "T.N.T.", artist: "AC/DC", album: "High Voltage", year: 1975, durationMs: 214_000 },
  { title: "Straße", artist: "Ærø Þórr", album: "ØSTERBRO" },
  { title: "The The", artist: "The The", albumArtist: "Matt Johnson" }
]

const document = `query ($search: String, $filter: TrackFilter, $orderBy: TrackOrder, $first: Int, $after: String, $last: Int, $before: String) {
  tracks(search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor score node { title artist } }
  }
}`

describe.each(engines)("finding tracks on %s", (engine) => {
  const server = useTestServer(engine)

  const insert = async (song: Song) => {
    const { trackId: id } = await server.insertTrack({ title: song.title })
    await server.sql("update track set artist = $2, album = $3, album_artist = $4, genres = $5, tags = $6, year = $7, duration_ms = $8 where id = $1", [
      id, song.artist ?? null, song.album ?? null, song.albumArtist ?? null, song.genres ?? [], song.tags ?? [], song.year ?? null, song.durationMs ?? null
    ])
    return id
  }

  beforeAll(async () => {
    for (const song of songs) await insert(song)
  })

  const ask = async (variables: object) => {
    const answer = await server.graphql(document, variables)
    expect(answer.errors).toBeUndefined()
    return answer.data.tracks as {
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string }
      edges: ReadonlyArray<{ cursor: string; score: number | null; node: { title: string; artist: string | null } }>
    }
  }
  const titles = async (variables: object) => (await ask(variables)).edges.map(({ node }) => node.title)
  const found = (search: string) => titles({ search })

  it("finds by any of its words, in any order and case", async () => {
    expect(await found("beatles YESTERDAY")).toEqual(["Yesterday"])
    expect(await found("help!")).toEqual(["Yesterday"])
    expect(await found("matt johnson")).toEqual(["The The"])
    expect(await found("yesterday suite")).toEqual([])
  })

  it.each([
    ["fur elise", "Für Élise"],
    ["FÜR ÉLISE", "Für Élise"],
    ["fu\u0308r", "Für Élise"],
    ["strasse", "Straße"],
    ["aero thorr", "Straße"],
    ["osterbro", "Straße"],
    ["группа КРОВИ", "Группа крови"],
    ["dont stop", "Don't Stop Me Now"],
    ["don’t stop", "Don't Stop Me Now"],
    ["ac/dc", "T.N.T."],
    ["ac dc", "T.N.T."],
    ["京", "東京物語"],
    ["まさし", "東京物語"]
  ])("does not mind accents, case and punctuation: %s", async (search, title) => {
    expect(await found(search)).toEqual([title])
  })

  it("ranks the title over the artist over the album over genres and labels", async () => {
    const { edges } = await ask({ search: "jazz" })
    expect(edges.map(({ node }) => node.title)).toEqual(["Jazz Suite", "A Night", "Don't Stop Me Now", "Blue"])
    const scores = edges.map(({ score }) => score ?? 0)
    expect(scores).toEqual(scores.toSorted((one, other) => other - one))
    expect(scores.at(-1)).toBeGreaterThan(0)
  })

  it("ranks the shorter of two titles first, and whole words before beginnings", async () => {
    expect(await found("yesterday")).toEqual(["Yesterday", "Yesterday Once More"])
    expect(await found("yest")).toHaveLength(2)
    expect((await found("the"))[0]).toBe("The The")
  })

  it.each([
    ["beatels", "Yesterday"],
    ["yestreday beatles", "Yesterday"],
    ["beethovn", "Für Élise"],
    ["shostakovitsch", "Jazz Suite"],
    ["shostakowitsch", undefined],
    ["shostakowitch", "Jazz Suite"],
    ["quen", "Don't Stop Me Now"],
    ["крови групра", "Группа крови"]
  ])("forgives a typo: %s", async (search, title) => {
    expect((await found(search))[0]).toBe(title)
  })

  it("counts as many as it finds, also where a typo was forgiven", async () => {
    for (const [search, count] of [["the", (await found("the")).length], ["yestreday beatles", 1], ["quen", 1], ["xyzzyplugh", 0]] as const) {
      const { data, errors } = await server.graphql("query ($search: String) { tracks(search: $search) { totalCount edges { cursor } } }", { search })
      expect(errors).toBeUndefined()
      expect([search, data.tracks.totalCount, data.tracks.edges.length]).toEqual([search, count, count])
    }
  })

  it("has a score only where something is searched for", async () => {
    expect((await ask({ first: 1 })).edges[0]?.score).toBeNull()
    expect((await ask({ first: 1, search: "jazz", orderBy: { field: "TITLE" } })).edges[0]).toMatchObject({ score: expect.any(Number), node: { title: "A Night" } })
  })

  it.each([
    ["", 12], ["   ", 12], ["!!!", 0], ["'", 0], ["\\", 0], ["' or 1=1 --", 0], ["a & b | !c <-> (d):*", 0], [":*", 0], ["%_", 0], ["\u0000", 12], ["\uD800", 0],
    ["jazz\u0000suite", 1], ["-".repeat(100_000), 0], ["a ".repeat(50_000), 1], ["é".repeat(10_000), 0], ["'jazz':A", 1], ["jazz:*", 4], ["\u202Ejazz", 4], ["👩‍👩‍👧‍👦", 0], ["$1 $$", 0], ["{}", 0]
  ])("takes %.40j as words and nothing else", async (search, count) => {
    const answer = await server.graphql("query ($search: String) { tracks(search: $search) { totalCount edges { node { id } } } }", { search })
    expect(answer.errors).toBeUndefined()
    expect(answer.data.tracks.edges).toHaveLength(count)
    expect(answer.data.tracks.totalCount).toBe(count)
  })

  it("looks for a text with a NUL in a filter, and finds nothing", async () => {
    expect(await titles({ filter: { artist: "Queen\u0000", genre: "\u0000", tag: "'" } })).toEqual([])
  })

  it.each([
    [{ artist: "queen" }, ["Don't Stop Me Now"]],
    [{ artist: "ÆRØ ÞÓRR" }, ["Straße"]],
    [{ album: "osterbro" }, ["Straße"]],
    [{ genre: "rock" }, ["Don't Stop Me Now", "Yesterday"]],
    [{ genre: "piano" }, []],
    [{ genre: "PIANO SOLO" }, ["Für Élise"]],
    [{ tag: "etudes" }, ["Für Élise"]],
    [{ tag: "Rock" }, []],
    [{ yearFrom: 1973, yearTo: 1975 }, ["T.N.T.", "Yesterday Once More"]],
    [{ durationMsFrom: 240_000 }, ["Группа крови", "Yesterday Once More"]],
    [{ durationMsTo: 125_000, status: ["PENDING"] }, ["Yesterday"]],
    [{ hasStems: true }, []],
    [{ status: [] }, []]
  ])("filters by %j", async (filter, expected) => {
    expect(await titles({ filter })).toEqual(expected)
  })

  it("tells tracks with stems from those without", async () => {
    const id = await insert({ title: "Karaoke", artist: "Stems" })
    await server.insertArtifact(id, "VOCALS")
    expect(await titles({ filter: { hasStems: true } })).toEqual([])
    await server.insertArtifact(id, "INSTRUMENTAL")
    expect(await titles({ filter: { hasStems: true } })).toEqual(["Karaoke"])
    expect(await titles({ filter: { hasStems: false }, search: "karaoke" })).toEqual([])
    await server.sql("delete from track where id = $1", [id])
  })

  it("searches within a filter", async () => {
    expect(await titles({ search: "jazz", filter: { yearFrom: 1950 } })).toEqual(["A Night", "Don't Stop Me Now"])
  })

  const orders = ["CREATED_AT", "UPDATED_AT", "TITLE", "ARTIST", "ALBUM", "YEAR", "DURATION", "RELEVANCE"]
  const cases = orders.flatMap((field) => ["ASC", "DESC"].flatMap((direction) => [null, "the"].map((search) => ({ field, direction, search }))))

  it.each(cases)("goes through a list by $field $direction searching $search, in both directions, without gap or repeat", async ({ direction, field, search }) => {
    const list = { search, orderBy: { field, direction } }
    const whole = (await ask({ ...list, first: 100 })).edges.map(({ cursor }) => cursor)
    expect(whole.length).toBeGreaterThan(1)
    const forwards: Array<string> = []
    let after: string | null = null
    do {
      const { edges, pageInfo } = await ask({ ...list, first: 5, after })
      forwards.push(...edges.map(({ cursor }) => cursor))
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null
      expect(pageInfo.hasPreviousPage).toBe(forwards.length > 5)
    } while (after !== null)
    expect(forwards).toEqual(whole)

    const backwards: Array<string> = []
    let before: string | null = null
    do {
      const { edges, pageInfo } = await ask({ ...list, last: 5, before })
      backwards.unshift(...edges.map(({ cursor }) => cursor))
      before = pageInfo.hasPreviousPage ? pageInfo.startCursor : null
    } while (before !== null)
    expect(backwards).toEqual(whole)

    const between = await ask({ ...list, first: 100, after: whole[0], before: whole.at(-1) })
    expect(between.edges.map(({ cursor }) => cursor)).toEqual(whole.slice(1, -1))
  })

  it.each([
    ["YEAR", "ASC", "year"],
    ["YEAR", "DESC", "year"],
    ["ALBUM", "DESC", "album"]
  ] as const)("lists tracks without it last by %s %s", async (field, direction, key) => {
    const listed = await titles({ orderBy: { field, direction }, first: 100 })
    const values = listed.map((title) => songs.find((song) => song.title === title)?.[key] ?? null)
    expect(values.slice(values.indexOf(null)).every((value) => value === null)).toBe(true)
    expect(values[0]).toBe(field === "ALBUM" ? "Группа крови" : direction === "ASC" ? 1938 : 1988)
  })

  it("orders titles without regard to case and accents", async () => {
    const first = await insert({ title: "élan" })
    const second = await insert({ title: "Elbow" })
    expect((await titles({ orderBy: { field: "TITLE" }, first: 100 })).filter((title) => /^e/i.test(title.normalize("NFD")))).toEqual(["élan", "Elbow"])
    await server.sql("delete from track where id = any($1)", [[first, second]])
  })

  it("goes on where it was, whatever is added or taken away meanwhile", async () => {
    const list = { orderBy: { field: "TITLE" } }
    const before = await titles({ ...list, first: 100 })
    const { pageInfo } = await ask({ ...list, first: 4 })
    const added = [await insert({ title: "AAA" }), await insert({ title: "ZZZ" })]
    const rest = await titles({ ...list, first: 100, after: pageInfo.endCursor })
    expect(rest.filter((title) => title !== "ZZZ")).toEqual(before.slice(4))
    expect(rest).toContain("ZZZ")
    await server.sql("delete from track where id = any($1)", [added])
    expect(await titles({ ...list, first: 100, after: pageInfo.endCursor })).toEqual(before.slice(4))
  })

  it("goes on with the spellings that it began with, whatever words are added meanwhile", async () => {
    const added = [await insert({ title: "Metronome A" }), await insert({ title: "Metronome B" })]
    const page = await ask({ search: "metronomme", first: 1 })
    added.push(await insert({ title: "Metronomes Metronomme" }))
    const next = await ask({ search: "metronomme", first: 5, after: page.pageInfo.endCursor })
    expect([...page.edges, ...next.edges].map(({ node }) => node.title).filter((title) => /^Metronome [AB]$/.test(title)).toSorted()).toEqual(["Metronome A", "Metronome B"])
    await server.sql("delete from track where id = any($1)", [added])
  })

  it("refuses a cursor of another search, filter, order or list, and one that was changed", async () => {
    const { pageInfo: { endCursor } } = await ask({ first: 2, orderBy: { field: "TITLE" } })
    const tampered = Buffer.from(endCursor, "base64url").toString().replace(/.{12}\]/, "000000000000]")
    const attempts = [
      { after: endCursor },
      { after: endCursor, orderBy: { field: "TITLE", direction: "DESC" } },
      { after: endCursor, orderBy: { field: "TITLE" }, search: "a" },
      { after: endCursor, orderBy: { field: "TITLE" }, filter: { artist: "Queen" } },
      { after: Buffer.from(tampered).toString("base64url"), orderBy: { field: "TITLE" } },
      { before: endCursor.slice(0, -4), orderBy: { field: "TITLE" } },
      { after: "", orderBy: { field: "TITLE" } },
      { after: "\u0000" }
    ]
    for (const variables of attempts) {
      const answer = await server.graphql(document, variables)
      expect(answer.errors?.[0]).toMatchObject({ extensions: { code: "INVALID_INPUT" }, message: expect.stringContaining("cursor") })
    }
    const jobs = await server.graphql("query ($after: String) { jobs(after: $after) { edges { cursor } } }", { after: endCursor })
    expect(jobs.errors?.[0].extensions.code).toBe("INVALID_INPUT")
  })

  it("takes a filter that says nothing for none, also in its cursors", async () => {
    const { pageInfo } = await ask({ first: 2, filter: { artist: null, status: ["READY", "PENDING"] } })
    expect((await ask({ first: 2, filter: { status: ["PENDING", "READY"] }, after: pageInfo.endCursor })).edges).toHaveLength(2)
  })

  it("finds a track under its new name as soon as it has one", async () => {
    const id = await insert({ title: "Provisional" })
    await server.sql("update track set title = 'Definitive' where id = $1", [id])
    expect(await found("definitive")).toEqual(["Definitive"])
    expect(await found("provisional")).toEqual([])
    const answer = await server.graphql("query ($id: ID!) { track(id: $id) { title } }", { id: trackId(id) })
    expect(answer.data.track.title).toBe("Definitive")
    await server.sql("delete from track where id = $1", [id])
  })

  it("asks the database once for a page that has something, and three times for a typo", async () => {
    const queriesOf = async (search: string) => {
      server.queries.length = 0
      await ask({ search })
      return server.queries.length
    }
    expect(await queriesOf("jazz")).toBe(1)
    expect(await queriesOf("beatels")).toBe(3)
    expect(await queriesOf("xyzzyplugh")).toBe(2)
  })
})
