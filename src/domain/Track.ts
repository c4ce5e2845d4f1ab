import { Schema } from "effect"

export const TrackStatus = Schema.Literals(["PENDING", "PROCESSING", "READY", "FAILED"])
export type TrackStatus = typeof TrackStatus.Type

export const TrackSourceKind = Schema.Literals(["UPLOAD", "URL", "FILE", "VIDEO_PAGE", "GENERATED"])
export type TrackSourceKind = typeof TrackSourceKind.Type

export const ArtifactRole = Schema.Literals(["ORIGINAL", "VOCALS", "INSTRUMENTAL", "ENHANCED", "TRIMMED", "TRANSCODED", "GENERATED", "COVER"])
export type ArtifactRole = typeof ArtifactRole.Type

/** What audio can be converted to. AAC is in an MP4 container, OPUS and OGG (Vorbis) in Ogg. */
export const AudioFormat = Schema.Literals(["MP3", "FLAC", "WAV", "AAC", "OPUS", "OGG"])
export type AudioFormat = typeof AudioFormat.Type

/** The rung of a ladder that produced a result, best first. */
export const QualityTier = Schema.Literals(["HIGH", "MEDIUM", "BASIC"])
export type QualityTier = typeof QualityTier.Type

/** EBU R128 programme loudness. `truePeakDbtp` is by ITU-R BS.1770-4 (4x oversampled). */
export const Loudness = Schema.Struct({
  integratedLufs: Schema.Finite,
  truePeakDbtp: Schema.Finite,
  rangeLu: Schema.Finite
})
export type Loudness = typeof Loudness.Type
