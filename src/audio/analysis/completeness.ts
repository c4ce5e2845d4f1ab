/** Whether a recording is all there. */
import type { Demuxer } from "../ffmpeg/input.ts"

/**
 * Streams of frames that are made to be joined in the middle: players skip what is no frame, and ordinary files have
 * such bytes (lyrics and tags behind the audio, padding). One bad frame is no damage there, a file of mostly bad ones is.
 */
const selfSynchronising: ReadonlySet<Demuxer> = new Set(["mp3", "aac", "amr"])

/** ffmpeg's arguments for which decoding errors end it. */
export const strictness = (demuxer: Demuxer): ReadonlyArray<string> =>
  selfSynchronising.has(demuxer) ? ["-max_error_rate", "0.5"] : ["-xerror"]

/** ffmpeg's words for a duration that is no promise. */
const estimated = /Estimating duration from bitrate|invalid concatenated file detected/u
/** The duration is the longest stream's, and here that may be the picture's. */
const moving = /^\s*Stream #0:.*: Video: (?!.*\(attached pic\))/u

/** Says of a line of ffmpeg's stderr whether it makes the declared duration worthless as a measure of completeness. */
export const refutesDeclaredDuration = (line: string): boolean => estimated.test(line) || moving.test(line)

/**
 * By how much a recording may fall short of what its header says before it counts as cut. Encoders declare the samples of
 * delay and padding that decoders leave out: two frames, 0.14 s at the lowest rates.
 */
export const allowedShortfallMs = (declaredMs: number): number => Math.min(1000, Math.max(250, declaredMs * 0.01))
