/** Loudness by a measured gain, with a limiter where peaks would pass the ceiling. */
import { join } from "node:path"
import { Effect } from "effect"
import type { AudioProcessingError, TimedOutError } from "../../domain/errors.ts"
import type { FFmpeg } from "../FFmpeg.ts"
import { input } from "../ffmpeg/input.ts"
import { correct, marginDb, nearest, type Setting } from "./correction.ts"
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
  /** How many it took. */
  readonly passes: number
}

/** At this rate, the highest sample between two of the original's is all but the true peak. */
const limiterRateHz = 192_000
/** What ffmpeg's limiter can be set to at the least. */
const lowestLimitDb = -24
const attackMs = 5
const releaseMs = 60
/** Each takes as long as the first. Most recordings need one, those that the limiter holds down two to four. */
const maxPasses = 5

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
 * limiter takes loudness or leaves a peak, further passes make up for what was measured to be missing. The result is the
 * best of them and may still be off: some peaks cannot be had below the ceiling at such a loudness.
 */
export const normalize = Effect.fn("audio.normalize")(function* (request: NormalizeRequest): Effect.fn.Return<Normalized, AudioProcessingError | TimedOutError, FFmpeg> {
  const { sampleRateHz, target } = request
  const isSilent = request.integratedLufs < silenceLufs
  const attempt = Effect.fnUntraced(function* ({ gainDb, limitDb }: Setting, number: number) {
    const isLimited = request.truePeakDbtp + gainDb > limitDb
    const path = join(request.directory, `pass-${number}.flac`)
    const remaining = 0.5 ** (number - 1)
    const rendered = yield* render({
      input: input(request.path, "flac"),
      filters: [`aformat=sample_fmts=dbl`, `volume=${gainDb.toFixed(4)}dB:precision=double`, ...(isLimited ? limiter(Math.max(lowestLimitDb, limitDb), sampleRateHz) : [])],
      path,
      sampleRateHz,
      channels: request.channels,
      onProgress: (renderedMs) => request.onProgress(1 - remaining + (remaining / 2) * Math.min(1, renderedMs / Math.max(1, request.durationMs)))
    })
    return { ...rendered, path, isSilent, gainDb, limitDb }
  })
  const limitDb = target.truePeakDbtp - marginDb
  const gainDb = isSilent ? Math.min(0, limitDb - request.truePeakDbtp) : target.targetLufs - request.integratedLufs
  const first = yield* attempt({ gainDb, limitDb }, 1)
  if (isSilent) return { ...first, passes: 1 }
  const attempts: [typeof first, ...Array<typeof first>] = [first]
  while (attempts.length < maxPasses) {
    const setting = correct(target, attempts)
    if (setting === undefined) break
    attempts.push(yield* attempt(setting, attempts.length + 1))
  }
  return { ...nearest(target, attempts), passes: attempts.length }
})
