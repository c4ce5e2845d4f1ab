/** Loudness by a measured gain, with a limiter where peaks would pass the ceiling. */
import { join } from "node:path"
import { Effect } from "effect"
import type { AudioProcessingError, TimedOutError } from "../../domain/errors.ts"
import type { FFmpeg } from "../FFmpeg.ts"
import { input } from "../ffmpeg/input.ts"
import { render, type Rendered } from "./render.ts"
import { type LoudnessTarget, silenceLufs } from "./thresholds.ts"

export interface NormalizeRequest {
  /** A FLAC, and what was measured of it. */
  readonly path: string
  readonly sampleRateHz: number
  readonly channels: number
  readonly durationMs: number
  readonly integratedLufs: number
  readonly truePeakDbtp: number
  readonly target: LoudnessTarget
  readonly directory: string
  readonly onProgress: (fraction: number) => void
}

export interface Normalized extends Rendered {
  /** A FLAC of 24 bits. */
  readonly path: string
  /** It was not turned up: there is nothing in it to be heard. */
  readonly isSilent: boolean
}

/** At this rate, the highest sample between two of the original's is all but the true peak. */
const limiterRateHz = 192_000
/** Rounding, and the way back to the original's rate, must not carry a peak over the ceiling. */
const marginDb = 0.1
/** What ffmpeg's limiter can be set to at the least. */
const lowestLimitDb = -24
const attackMs = 5
const releaseMs = 60
/** An error that is left alone: no ear tells it. */
const acceptedErrorLu = 0.2
const largestCorrectionLu = 6

/** The limiter is late by its attack, and is put back in time. */
const limiter = (limitDb: number, sampleRateHz: number): ReadonlyArray<string> => {
  const rateHz = Math.max(limiterRateHz, sampleRateHz)
  const delay = Math.round((rateHz * attackMs) / 1000)
  return [
    `aformat=sample_fmts=dbl:sample_rates=${rateHz}`,
    `apad=pad_len=${delay}`,
    `alimiter=level=disabled:limit=${10 ** (limitDb / 20)}:attack=${attackMs}:release=${releaseMs}`,
    `atrim=start_sample=${delay}`,
    "asetpts=N/SR/TB",
    `aformat=sample_rates=${sampleRateHz}`
  ]
}

/**
 * Turns the recording to the target. Where nothing comes near the ceiling that is a gain and nothing else; where the
 * limiter takes loudness or leaves a peak, a second pass makes up for what the first was measured to be off by.
 */
export const normalize = Effect.fn("audio.normalize")(function* (request: NormalizeRequest): Effect.fn.Return<Normalized, AudioProcessingError | TimedOutError, FFmpeg> {
  const { sampleRateHz, target } = request
  const isSilent = request.integratedLufs < silenceLufs
  const pass = (name: string, gainDb: number, limitDb: number, progressFrom: number) => {
    const isLimited = request.truePeakDbtp + gainDb > limitDb
    return Effect.map(
      render({
        input: input(request.path, "flac"),
        filters: [`aformat=sample_fmts=dbl`, `volume=${gainDb.toFixed(4)}dB:precision=double`, ...(isLimited ? limiter(Math.max(lowestLimitDb, limitDb), sampleRateHz) : [])],
        path: join(request.directory, name),
        sampleRateHz,
        channels: request.channels,
        onProgress: (renderedMs) => request.onProgress(progressFrom + 0.5 * Math.min(1, renderedMs / Math.max(1, request.durationMs)))
      }),
      (rendered): Normalized => ({ ...rendered, path: join(request.directory, name), isSilent })
    )
  }
  const gainDb = isSilent ? Math.min(0, target.truePeakDbtp - marginDb - request.truePeakDbtp) : target.targetLufs - request.integratedLufs
  const limitDb = target.truePeakDbtp - marginDb
  const first = yield* pass("first.flac", gainDb, limitDb, 0)
  const missingLu = isSilent ? 0 : target.targetLufs - first.integratedLufs
  const excessDb = first.truePeakDbtp - target.truePeakDbtp
  if (Math.abs(missingLu) <= acceptedErrorLu && excessDb <= 0) return first
  const correctionLu = Math.min(largestCorrectionLu, Math.max(-largestCorrectionLu, missingLu))
  return yield* pass("second.flac", gainDb + correctionLu, limitDb - Math.max(0, excessDb > 0 ? excessDb + marginDb : 0), 0.5)
})
