import type { Demuxer } from "../ffmpeg/input.ts"

/** A file with sound, and how it is read. */
export interface AudioFile {
  readonly path: string
  readonly demuxer: Demuxer
  /** Of the decoded samples. */
  readonly sampleRateHz: number
  readonly channels: number
}
