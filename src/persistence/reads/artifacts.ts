/** Artifacts and their waveforms as the API reads them. */
import { Effect } from "effect"
import type { ArtifactRole, QualityTier } from "../../domain/Track.ts"
import { Database } from "../Database.ts"
import { type Wanted, wantedColumns } from "./wantedColumns.ts"

export interface ArtifactRecord {
  readonly id: string
  readonly trackId: string
  readonly role: ArtifactRole
  readonly sha256: string
  readonly mediaType: string
  readonly sizeBytes: number
  readonly filename: string | null
  readonly durationMs: number | null
  readonly integratedLufs: number | null
  readonly truePeakDbtp: number | null
  readonly rangeLu: number | null
  readonly quality: QualityTier | null
  readonly jobId: string | null
  readonly createdAt: Date
}

export interface WaveformRecord {
  readonly artifactId: string
  readonly samplesPerPixel: number
  /** Of the `.dat`. */
  readonly sha256: string
}

const columns = `
  id, track_id as "trackId", role, sha256, media_type as "mediaType", size_bytes as "sizeBytes", filename, duration_ms as "durationMs",
  integrated_lufs as "integratedLufs", true_peak_dbtp as "truePeakDbtp", range_lu as "rangeLu", quality, job_id as "jobId", created_at as "createdAt"`

export const artifactsById = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<ArtifactRecord>("artifacts.byId", `select ${columns} from artifact where id = any($1::uuid[])`, [ids])
})

/** With the title of its track, in one query: a player asks for parts of a file by the hundred. */
export const titledArtifact = Effect.fnUntraced(function* (id: string) {
  const database = yield* Database
  const rows = yield* database.query<ArtifactRecord & { readonly title: string }>(
    "artifacts.titled",
    `select artifact.*, track.title from (select ${columns} from artifact where id = $1::uuid) as artifact join track on track.id = artifact."trackId"`,
    [id]
  )
  return rows[0]
})

const columnsFor = wantedColumns(columns, {
  always: ["id", "trackId", "role"],
  of: { loudness: ["integratedLufs", "truePeakDbtp", "rangeLu"], producedBy: ["jobId"] }
})

/** Oldest first; of them only what the fields need that are wanted. */
export const artifactsByTrack = Effect.fnUntraced(function* (trackIds: ReadonlyArray<string>, wanted: Wanted) {
  const database = yield* Database
  const { key, sql } = columnsFor(wanted)
  return yield* database.query<ArtifactRecord>(`artifacts.byTrack.${key}`, `select ${sql} from artifact where track_id = any($1::uuid[]) order by id`, [trackIds])
})

/** Finest first. */
export const waveformsByArtifact = Effect.fnUntraced(function* (artifactIds: ReadonlyArray<string>) {
  const database = yield* Database
  return yield* database.query<WaveformRecord>(
    "waveforms.byArtifact",
    `select artifact_id as "artifactId", samples_per_pixel as "samplesPerPixel", sha256 from waveform where artifact_id = any($1::uuid[]) order by artifact_id, samples_per_pixel`,
    [artifactIds]
  )
})
