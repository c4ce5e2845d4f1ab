/** What a result must come up to. The figures are calibrated on real recordings: docs/enhancement.md has the table. */
import { QualityThresholdError } from "../../domain/errors.ts"
import type { QualityTier } from "../../domain/Track.ts"
import type { Inspection } from "./inspect.ts"
import type { NoiseReport } from "./NoiseMeter.ts"

/** Above, a recording of speech is left as it is: what there is of noise is not heard. */
export const cleanSpeechSnrDb = 30
/** Above, RNNoise takes more of a voice than of the noise. */
export const noisySpeechSnrDb = 12

/** By how much each tier must lower the background of speech that is noisy. BASIC, below which there is no other way, must only not raise it. */
const minFloorReductionDb: { readonly [Tier in QualityTier]: number } = { HIGH: 3, MEDIUM: 3, BASIC: -1 }
const maxProgrammeLossDb = 3
const maxDurationDifferenceMs = 20

interface Fault {
  readonly metric: string
  readonly score: number
  readonly threshold: number
  readonly message: string
}

const below = ({ message, metric, score, threshold }: Fault) =>
  new QualityThresholdError({ metric, score: Math.round(score * 100) / 100, threshold, message })

export interface Denoised {
  readonly durationMs: number
  readonly noise: NoiseReport
  /** By which the result was turned up or down as a whole. */
  readonly gainDb: number
}

/** Enhancement changes no length. */
export const judgeDuration = (beforeMs: number, afterMs: number): QualityThresholdError | undefined => {
  const differenceMs = Math.abs(afterMs - beforeMs)
  return differenceMs <= maxDurationDifferenceMs ? undefined : below({
    metric: "durationDifferenceMs", score: differenceMs, threshold: maxDurationDifferenceMs,
    message: `The result is ${differenceMs} ms longer or shorter than the recording; ${maxDurationDifferenceMs} ms are allowed.`
  })
}

/** Compares a recording before and after denoising. Undefined when nothing is to be found fault with. */
export const judgeDenoising = (tier: QualityTier, before: Inspection, after: Denoised): QualityThresholdError | undefined => {
  const otherLength = judgeDuration(before.durationMs, after.durationMs)
  if (otherLength !== undefined) return otherLength
  if (before.floorDbfs === null || before.snrDb === null) return undefined
  const isNoisy = before.isSpeech && before.snrDb < cleanSpeechSnrDb
  // BASIC has taken nothing but hum then.
  if (tier === "BASIC" && !isNoisy) return undefined
  // At the same moments as before, so there are as many, and both are known.
  const { floorDbfs, snrDb } = { floorDbfs: after.noise.floorDbfs ?? before.floorDbfs, snrDb: after.noise.snrDb ?? before.snrDb }
  const programmeLossDb = before.snrDb + before.floorDbfs - (snrDb + floorDbfs - after.gainDb)
  if (programmeLossDb > maxProgrammeLossDb) {
    return below({
      metric: "programmeLossDb", score: programmeLossDb, threshold: maxProgrammeLossDb,
      message: `The ${tier} denoiser took ${programmeLossDb.toFixed(1)} dB of what is to be heard; ${maxProgrammeLossDb} dB are allowed.`
    })
  }
  const floorReductionDb = before.floorDbfs - (floorDbfs - after.gainDb)
  const neededDb = minFloorReductionDb[tier]
  if (isNoisy && floorReductionDb < neededDb) {
    return below({
      metric: "floorReductionDb", score: floorReductionDb, threshold: neededDb,
      message: `The ${tier} denoiser lowered the background by ${floorReductionDb.toFixed(1)} dB; ${neededDb} dB are needed.`
    })
  }
  return undefined
}

/** Why RNNoise is not for this recording; undefined when it is. */
export const unsuitableForRnnoise = ({ isSpeech, snrDb }: Inspection): QualityThresholdError | undefined => {
  if (isSpeech && snrDb !== null && snrDb < noisySpeechSnrDb) return undefined
  const score = snrDb ?? 0
  return below({
    metric: "signalToNoiseDb", score, threshold: noisySpeechSnrDb,
    message: isSpeech
      ? `The recording is too clean for the MEDIUM denoiser, which would harm it: its noise is ${score.toFixed(1)} dB below the voice, and less than ${noisySpeechSnrDb} dB are needed.`
      : "The MEDIUM denoiser takes out all but voices, and this recording is not of somebody speaking."
  })
}

/** The larger is the error that is accepted; a recording without peaks in reach of the ceiling has none to speak of. */
const maxLoudnessErrorLu = 0.3

/** Below this, a recording is taken for silence, which no gain makes loud. */
export const silenceLufs = -60

export interface LoudnessTarget {
  readonly targetLufs: number
  readonly truePeakDbtp: number
}

/** Compares a finished recording with what was asked for. */
export const judgeLoudness = (
  target: LoudnessTarget,
  result: { readonly integratedLufs: number; readonly truePeakDbtp: number; readonly isSilent: boolean }
): QualityThresholdError | undefined => {
  if (result.truePeakDbtp > target.truePeakDbtp) {
    return below({
      metric: "truePeakDbtp", score: result.truePeakDbtp, threshold: target.truePeakDbtp,
      message: `The result has a true peak of ${result.truePeakDbtp.toFixed(2)} dBTP; ${target.truePeakDbtp} dBTP are allowed.`
    })
  }
  const errorLu = Math.abs(result.integratedLufs - target.targetLufs)
  if (!result.isSilent && errorLu > maxLoudnessErrorLu) {
    return below({
      metric: "loudnessErrorLu", score: errorLu, threshold: maxLoudnessErrorLu,
      message: `The result has ${result.integratedLufs.toFixed(1)} LUFS and cannot be brought to ${target.targetLufs} LUFS below a true peak of ${target.truePeakDbtp} dBTP. Ask for a lower targetLufs.`
    })
  }
  return undefined
}
