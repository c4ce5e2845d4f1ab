/** Tracks as the API reads them. */
import { Effect } from "effect"
import type { TrackSourceKind, TrackStatus } from "../../domain/Track.ts"
import { Database } from "../Database.ts"
import { type Page, type PageRequest, readPage } from "./page.ts"

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

export const tracksById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<TrackRecord>("tracks.byId", `select ${columns} from track t where t.id = any($1::uuid[])`, [ids])
})

/** Everything that is not given matches. */
export interface TrackCriteria {
  readonly status?: ReadonlyArray<TrackStatus> | null | undefined
  readonly artist?: string | null | undefined
  readonly album?: string | null | undefined
  readonly genre?: string | null | undefined
  readonly tag?: string | null | undefined
  readonly yearFrom?: number | null | undefined
  readonly yearTo?: number | null | undefined
  readonly durationMsFrom?: number | null | undefined
  readonly durationMsTo?: number | null | undefined
}

const conditions = `
  ($1::text[] is null or t.status = any($1)) and ($2::text is null or lower(t.artist) = lower($2)) and ($3::text is null or lower(t.album) = lower($3))
  and ($4::text is null or $4 = any(t.genres)) and ($5::text is null or $5 = any(t.tags))
  and ($6::int is null or t.year >= $6) and ($7::int is null or t.year <= $7)
  and ($8::int is null or t.duration_ms >= $8) and ($9::int is null or t.duration_ms <= $9)`

const parameters = (criteria: TrackCriteria): ReadonlyArray<unknown> => [
  criteria.status ?? null, criteria.artist ?? null, criteria.album ?? null, criteria.genre ?? null, criteria.tag ?? null,
  criteria.yearFrom ?? null, criteria.yearTo ?? null, criteria.durationMsFrom ?? null, criteria.durationMsTo ?? null
]

/** Newest first. */
export const trackPage = (criteria: TrackCriteria, page: PageRequest): Effect.Effect<Page<TrackRecord>, never, Database> =>
  readPage<TrackRecord>({ name: "tracks.page", columns, from: "track t", id: "t.id", conditions, parameters: parameters(criteria) }, page)

export const countTracks = Effect.fnUntraced(function* (criteria: TrackCriteria) {
  const database = yield* Database
  const rows = yield* database.query<{ count: number }>("tracks.count", `select count(*)::int as count from track t where ${conditions}`, parameters(criteria))
  return rows[0]?.count ?? 0
})
