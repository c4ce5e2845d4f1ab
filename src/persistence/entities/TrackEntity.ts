import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { TrackSourceKind, TrackStatus } from "../../domain/Track.ts"
import { oneOf } from "./checks.ts"

/** A recording of the library; what was measured on it is null until its analysis is done. */
export const TrackEntity = defineEntity({
  name: "Track",
  tableName: "track",
  properties: {
    id: p.uuid().primary(),
    status: p.text().$type<TrackStatus>(),
    sourceKind: p.text().$type<TrackSourceKind>(),
    sourceUrl: p.text().nullable(),
    sourceFilename: p.text().nullable(),
    title: p.text(),
    artist: p.text().nullable(),
    album: p.text().nullable(),
    albumArtist: p.text().nullable(),
    genres: p.array<string>().default([]),
    year: p.integer().nullable(),
    trackNumber: p.integer().nullable(),
    tags: p.array<string>().default([]),
    language: p.text().nullable(),
    musicBrainzId: p.text().nullable(),
    durationMs: p.integer().nullable(),
    sampleRateHz: p.integer().nullable(),
    channels: p.integer().nullable(),
    codec: p.text().nullable(),
    container: p.text().nullable(),
    bitrateBps: p.integer().nullable(),
    sizeBytes: p.bigint("number").nullable(),
    /** SHA-256 of the original file, hexadecimal. */
    contentHash: p.text().nullable(),
    integratedLufs: p.double().nullable(),
    truePeakDbtp: p.double().nullable(),
    rangeLu: p.double().nullable(),
    /** 0 to 1. */
    metadataQuality: p.float().nullable(),
    /** Counts the changes made by clients; an update names the one it has seen. */
    version: p.integer().default(1),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    /** Columns that a client has set: an import that is still under way leaves them alone. */
    edited: p.array<string>().default([]),
    /** As lists are ordered by them: without regard to case and accents. */
    sortTitle: p.text().nullable().lazy().collation("C").generated(`("left"(search_fold(title), 200)) stored`),
    sortArtist: p.text().nullable().lazy().collation("C").generated(`("left"(search_fold(artist), 200)) stored`),
    sortAlbum: p.text().nullable().lazy().collation("C").generated(`("left"(search_fold(album), 200)) stored`)
  },
  checks: [
    { name: "track_status_check", expression: oneOf("status", TrackStatus.literals) },
    { name: "track_source_kind_check", expression: oneOf("source_kind", TrackSourceKind.literals) },
    { name: "track_title_check", expression: "char_length(title) >= 1 and char_length(title) <= 200" }
  ],
  indexes: [
    {
      name: "track_newest_index",
      columns: [
        { name: "createdAt", sort: "DESC" },
        { name: "id", sort: "DESC" }
      ],
      properties: ["createdAt", "id"]
    },
    { name: "track_content_hash_index", properties: ["contentHash"] },
    { name: "track_title_index", properties: ["sortTitle", "id"] },
    { name: "track_artist_index", properties: ["sortArtist", "id"] },
    { name: "track_album_index", properties: ["sortAlbum", "id"] },
    { name: "track_year_index", properties: ["year", "id"] },
    { name: "track_duration_index", properties: ["durationMs", "id"] },
    { name: "track_updated_index", properties: ["updatedAt", "id"] },
    { name: "track_unready_index", properties: ["createdAt", "id"], where: "status <> 'READY'" }
  ]
})
export type TrackEntity = InferEntity<typeof TrackEntity>
