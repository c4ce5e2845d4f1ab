import { Effect, Schema } from "effect"
import { findSilentEnds } from "../audio/analysis/findSilentEnds.ts"
import { AudioProcessingError } from "../domain/errors.ts"
import { conversionKind } from "./conversionKind.ts"
import { encodingFor } from "./transcodeKind.ts"

export const TrimOptions = Schema.Struct({
  /** Of the full scale: what stays below it is silence. */
  thresholdDb: Schema.Finite,
  /** How much of the silence stays at each end. */
  keepMs: Schema.Finite
})
export type TrimOptions = typeof TrimOptions.Type

/**
 * TRIM: a track's original without the silence at both ends, beside it. Cut to the sample, which no frame of a lossy format
 * would allow, and written as FLAC, so that nothing is lost a second time.
 */
export const trimKind = conversionKind({
  kind: "TRIM",
  options: TrimOptions,
  role: "TRIMMED",
  // Finding the ends takes about as long as writing what is between them.
  planningShare: 0.5,
  plan: Effect.fnUntraced(function* ({ keepMs, thresholdDb }, original, onProgress) {
    const { channels, demuxer, path, sampleRateHz } = original
    const { sound, totalFrames } = yield* findSilentEnds({ path, demuxer, sampleRateHz, channels, thresholdDb, onProgress })
    if (sound === null) {
      return yield* new AudioProcessingError({ message: `Nothing of the recording is louder than ${thresholdDb} dB: nothing would be left. Choose a lower threshold.`, stage: "TRIM" })
    }
    const keptFrames = Math.round((keepMs / 1000) * sampleRateHz)
    return {
      encoding: yield* encodingFor({ format: "FLAC", bitrateKbps: null, sampleRateHz: null }, original),
      part: { startSample: Math.max(0, sound.firstFrame - keptFrames), endSample: Math.min(totalFrames, sound.lastFrame + 1 + keptFrames) }
    }
  })
})
