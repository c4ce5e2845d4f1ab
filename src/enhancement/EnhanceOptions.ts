import { Schema } from "effect"
import { QualityTier } from "../domain/Track.ts"

/** As the job keeps them: what the client left out is filled in. */
export const EnhanceOptions = Schema.Struct({
  /** The tier to begin with; null for the best that is set up and suits the recording. */
  quality: Schema.NullOr(QualityTier),
  minimumQuality: QualityTier,
  targetLufs: Schema.Finite,
  truePeakDbtp: Schema.Finite,
  denoise: Schema.Boolean
})
export type EnhanceOptions = typeof EnhanceOptions.Type

/** What is asked of loudness, lowest and highest: quieter or louder than any delivery specification knows, it is a slip of the pen. */
export const targetLufsRange = [-40, -5] as const
export const truePeakDbtpRange = [-9, 0] as const
