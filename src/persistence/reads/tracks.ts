/** Tracks as the API reads them. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { TrackSourceKind, TrackStatus } from "../../domain/Track.ts"
import { Database } from "../Database.ts"
import { type Page, pageOf, type PageRequest } from "./page.ts"
import { allOf, type Bind, makeParameters, type TrackCriteria, trackConditions, trackSource } from "./trackCriteria.ts"
import { orderKeys, relevanceKey, segmentsOf, type Spellings, type TrackOrder, type TrackPosition } from "./trackOrder.ts"
import { matching, otherSpellings } from "./trackSearch.ts"
import { type Wanted, wantedColumns } from "./wantedColumns.ts"

export interface TrackRecord {
  readonly id: string
  readonly status: TrackStatus
  readonly sourceKind: TrackSourceKind
  readonly sourceUrl: string | null
  readonly sourceFilename: string | null
  readonly title: string
  readonly artist: string | null
  readonly album: string | null
  readonly albumArtist: string | null
  readonly genres: ReadonlyArray<string>
  readonly year: number | null
  readonly trackNumber: number | null
  readonly tags: ReadonlyArray<string>
  readonly language: string | null
  readonly musicBrainzId: string | null
  readonly durationMs: number | null
  readonly sampleRateHz: number | null
  readonly channels: number | null
  readonly codec: string | null
  readonly container: string | null
  readonly bitrateBps: number | null
  readonly sizeBytes: number | null
  readonly contentHash: string | null
  readonly integratedLufs: number | null
  readonly truePeakDbtp: number | null
  readonly rangeLu: number | null
  readonly metadataQuality: number | null
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = `
  t.id, t.status, t.source_kind as "sourceKind", t.source_url as "sourceUrl", t.source_filename as "sourceFilename",
  t.title, t.artist, t.album, t.album_artist as "albumArtist", t.genres, t.year, t.track_number as "trackNumber", t.tags, t.language,
  t.music_brainz_id as "musicBrainzId", t.duration_ms as "durationMs", t.sample_rate_hz as "sampleRateHz", t.channels, t.codec, t.container,
  t.bitrate_bps as "bitrateBps", t.size_bytes as "sizeBytes", t.content_hash as "contentHash",
  t.integrated_lufs as "integratedLufs", t.true_peak_dbtp as "truePeakDbtp", t.range_lu as "rangeLu",
  t.metadata_quality as "metadataQuality", t.version, t.created_at as "createdAt", t.updated_at as "updatedAt"`

const columnsFor = wantedColumns(columns, {
  always: ["id"],
  of: { source: ["sourceKind", "sourceUrl", "sourceFilename"], loudness: ["integratedLufs", "truePeakDbtp", "rangeLu"] }
})

export const tracksById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<TrackRecord>("tracks.byId", `select ${columns} from track t where t.id = any($1::uuid[])`, [ids])
})

/** A track of a list, with what it is ordered by. */
export interface ListedTrack extends TrackRecord {
  readonly orderKey: string | number | Date | null
  /** How well it fits the search; null without one. */
  readonly score: number | null
}

export interface TrackList {
  readonly criteria: TrackCriteria
  /** Null lists all. */
  readonly search: string | null
  readonly order: TrackOrder
}

export interface TrackPage extends Page<ListedTrack> {
  /** Given where nothing has the words as they were typed, and other spellings were searched for. */
  readonly spellings: Spellings | null
}

const readTrackPage = Effect.fnUntraced(function* ({ criteria, order, search }: TrackList, spellings: Spellings | null, page: PageRequest<TrackPosition>, fields: Wanted) {
  const database = yield* Database
  const { bind, values } = makeParameters()
  const found = search === null ? undefined : matching(search, spellings, bind)
  const score = found?.score() ?? "null::float8"
  const wanted = [...(found === undefined ? [] : [found.condition]), ...trackConditions(criteria, bind)]
  const listed = order.field === "RELEVANCE" && found === undefined ? { ...order, field: "CREATED_AT" as const } : order
  const key = listed.field === "RELEVANCE" ? relevanceKey(score) : orderKeys[listed.field]
  const limit = bind(page.size + 1)
  const segments = segmentsOf(key, listed.descending, page, bind)
  const { key: columnsKey, sql: shown } = columnsFor(fields)
  const source = trackSource(criteria, { searched: found !== undefined, described: found === undefined || listed.field !== "RELEVANCE" })
  const selects = segments.map(({ conditions, direction }, part) =>
    `select ${found === undefined ? `${shown}, ${score} as score` : "t.id"}, ${key.column} as "orderKey", ${part} as part
     from ${source} where ${allOf([...wanted, ...conditions])} order by "orderKey" ${direction}, id ${direction} limit ${limit}`)
  const direction = segments[0]?.direction ?? "asc"
  const ordered = `order by part, "orderKey" ${direction}, id ${direction}`
  const list = selects.length === 1
    ? selects.join("")
    : `select * from (${selects.map((select) => `(${select})`).join(" union all ")}) as parts ${ordered} limit ${limit}`
  // What a search shows of a track is read for those of the page alone, not for each one that it ranks.
  const sql = found === undefined
    ? list
    : `select ${shown}, "orderKey", ${listed.field === "RELEVANCE" ? `"orderKey"` : score} as score
       from (${list}) as listed join ${trackSource({}, { searched: listed.field !== "RELEVANCE", described: true })} using (id) ${ordered}`
  // Of the orders that are rare, those that show everything: each statement is kept on each connection.
  const plain = wanted.length === 0 && (columnsKey === "all" || listed.field === "CREATED_AT")
  const name = plain ? `tracks.page.${createHash("sha256").update(sql).digest("base64url").slice(0, 12)}` : "tracks.page"
  const rows = yield* database.query<ListedTrack>(name, sql, values, { prepared: plain })
  return { ...pageOf(rows, page), spellings } satisfies TrackPage
})

/**
 * Where nothing has the words of a search, it is tried once more with words that are spelt alike. Of the rows only what
 * the fields need that are wanted is read.
 */
export const trackPage = Effect.fnUntraced(function* (list: TrackList, page: PageRequest<TrackPosition>, wanted: Wanted) {
  const from = page.after ?? page.before
  const found = yield* readTrackPage(list, from?.spellings ?? null, page, wanted)
  if (list.search === null || from !== undefined || found.rows.length > 0) return found
  const spellings = yield* otherSpellings(list.search)
  return spellings === null ? found : yield* readTrackPage(list, spellings, page, wanted)
})

export const countTracks = Effect.fnUntraced(function* ({ criteria, search }: TrackList, spellings: Spellings | null) {
  const database = yield* Database
  const { bind, values } = makeParameters()
  const found = search === null ? [] : [matching(search, spellings, bind).condition]
  const rows = yield* database.query<{ count: number }>(
    "tracks.count",
    `select count(*)::int as count from ${trackSource(criteria, { searched: search !== null, described: false })} where ${allOf([...found, ...trackConditions(criteria, bind)])}`,
    values,
    { prepared: false }
  )
  return rows[0]?.count ?? 0
})

const matchingWhere = Effect.fnUntraced(function* (name: string, criteria: TrackCriteria, also: (bind: Bind) => string) {
  const database = yield* Database
  const { bind, values } = makeParameters()
  const conditions = allOf([also(bind), ...trackConditions(criteria, bind)])
  return yield* database.query<TrackRecord>(name, `select ${columns} from ${trackSource(criteria, { searched: false, described: true })} where ${conditions} order by t.id`, values, { prepared: false })
})

/** Those of the tracks that match, or, when no ids are given, all that do and whose import is under way. */
export const matchingTracks = (criteria: TrackCriteria, ids: ReadonlyArray<string> | null): Effect.Effect<ReadonlyArray<TrackRecord>, never, Database> =>
  matchingWhere("tracks.matching", criteria, (bind) => ids === null ? "t.status in ('PENDING', 'PROCESSING')" : `t.id = any(${bind(ids)}::uuid[])`)

/** All tracks that match and whose import is under way, and those that changed no earlier than `since`. */
export const matchingTracksSince = (criteria: TrackCriteria, since: Date): Effect.Effect<ReadonlyArray<TrackRecord>, never, Database> =>
  matchingWhere("tracks.matchingSince", criteria, (bind) => `(t.status in ('PENDING', 'PROCESSING') or t.updated_at >= ${bind(since)}::timestamptz)`)
