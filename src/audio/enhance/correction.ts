/** What to turn at after a pass that missed its target, and which pass was the best. */
import type { LoudnessTarget } from "./thresholds.ts"

export interface Setting {
  readonly gainDb: number
  /** What the limiter is set to. */
  readonly limitDb: number
}

/** A setting, and what came of it. */
export interface Attempt extends Setting {
  readonly integratedLufs: number
  readonly truePeakDbtp: number
}

/** An error that is left alone: no ear tells it. */
const acceptedErrorLu = 0.2
/** By how much the limiter is set below what is wanted of it: rounding, and the way back to the recording's rate, can raise a peak. */
export const marginDb = 0.1
/** Beyond, more gain only makes the limiter work harder. */
export const maxCorrectionDb = 9
/** When less than that of a decibel arrives, the ceiling does not allow more. */
const leastArriving = 0.1
/** What is missing after the first pass is what the limiter took, and it takes about as much of what is added. */
const guessedArriving = 0.6
/** The harder the limiter works, the less arrives. */
const lessEachTime = 0.85

const missingLu = (target: LoudnessTarget, { integratedLufs }: Attempt) => target.targetLufs - integratedLufs
const excessDb = (target: LoudnessTarget, { truePeakDbtp }: Attempt) => Math.max(0, truePeakDbtp - target.truePeakDbtp)

export const isMet = (target: LoudnessTarget, attempt: Attempt): boolean =>
  Math.abs(missingLu(target, attempt)) <= acceptedErrorLu && excessDb(target, attempt) === 0

/**
 * The setting to try next, undefined when another would not help. The limiter takes a part of what the gain gives; how much
 * of a decibel arrives is learnt from the last two attempts (the secant method).
 */
export const correct = (target: LoudnessTarget, attempts: readonly [Attempt, ...Array<Attempt>]): Setting | undefined => {
  const first = attempts[0]
  const last = attempts.at(-1) ?? first
  const before = attempts.at(-2)
  if (isMet(target, last)) return undefined
  const excess = excessDb(target, last)
  const limitDb = last.limitDb - (excess > 0 ? excess + marginDb : 0)
  const missing = missingLu(target, last)
  if (Math.abs(missing) <= acceptedErrorLu) return { gainDb: last.gainDb, limitDb }
  const isLearnt = before !== undefined && before.gainDb !== last.gainDb
  const arriving = isLearnt ? (last.integratedLufs - before.integratedLufs) / (last.gainDb - before.gainDb) : guessedArriving
  // A limiter that was lowered as well took its part.
  if (arriving < leastArriving && limitDb === last.limitDb) return undefined
  const neededDb = missing / Math.min(1, Math.max(leastArriving, arriving))
  const turnedInAllDb = last.gainDb - first.gainDb
  if (isLearnt && Math.abs(turnedInAllDb + neededDb) > maxCorrectionDb) return undefined
  const correctionDb = turnedInAllDb + (isLearnt ? neededDb / lessEachTime : neededDb)
  const gainDb = first.gainDb + Math.min(maxCorrectionDb, Math.max(-maxCorrectionDb, correctionDb))
  return gainDb === last.gainDb && limitDb === last.limitDb ? undefined : { gainDb, limitDb }
}

/** The attempt that comes nearest: nothing makes up for a peak over the ceiling. */
export const nearest = <A extends Attempt>(target: LoudnessTarget, attempts: readonly [A, ...Array<A>]): A =>
  attempts.reduce((best, attempt) => {
    const lowerDb = excessDb(target, best) - excessDb(target, attempt)
    return lowerDb > 0 || (lowerDb === 0 && Math.abs(missingLu(target, attempt)) < Math.abs(missingLu(target, best))) ? attempt : best
  })
