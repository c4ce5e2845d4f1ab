/**
 * Programme loudness by EBU R128: K-weighting and gating of ITU-R BS.1770-4, loudness range of EBU Tech 3342.
 * Memory is constant: levels are kept in histograms of 0.01 LU, so results are exact to that.
 */
import { designKWeighting } from "./kWeighting.ts"

/** The absolute gate. JSON has no −∞, so silence is reported as this. */
export const loudnessFloorLufs = -70

const binsPerLu = 100
/** Enough for float samples 100 dB over full scale; beyond it levels are counted in the last bin. */
const histogramSpanLu = 170
const stepsPerSecond = 10
const stepsPerGatingBlock = 4
const stepsPerShortTerm = 30

const loudnessOf = (power: number): number => -0.691 + 10 * Math.log10(power)

/**
 * BS.1770 weights for the order in which ffmpeg writes its default layout of so many channels: surrounds and backs count
 * 1.5 dB more, the low-frequency channel not at all.
 */
export const channelWeights = (channels: number): ReadonlyArray<number> => {
  switch (channels) {
    case 3: return [1, 1, 0]
    case 4: return [1, 1, 1, 1.41]
    case 5: return [1, 1, 1, 1.41, 1.41]
    case 6: return [1, 1, 1, 0, 1.41, 1.41]
    case 7: return [1, 1, 1, 0, 1.41, 1.41, 1.41]
    case 8: return [1, 1, 1, 0, 1.41, 1.41, 1.41, 1.41]
    default: return Array.from({ length: channels }, () => 1)
  }
}

/** Counts and powers of all levels over the absolute gate. */
class LevelHistogram {
  readonly #counts = new Float64Array(histogramSpanLu * binsPerLu)
  readonly #powers = new Float64Array(histogramSpanLu * binsPerLu)

  add(power: number): void {
    const bin = Math.floor((loudnessOf(power) - loudnessFloorLufs) * binsPerLu)
    if (!(bin >= 0)) return
    const last = Math.min(bin, this.#counts.length - 1)
    this.#counts[last]! += 1
    this.#powers[last]! += power
  }

  /** The bin at which a gate so far below the mean of everything opens. */
  #gate(belowMeanLu: number): number {
    const mean = this.#mean(0)
    const bin = Math.floor((loudnessOf(mean) - belowMeanLu - loudnessFloorLufs) * binsPerLu)
    return Math.min(this.#counts.length - 1, Math.max(0, bin))
  }

  #mean(fromBin: number): number {
    let count = 0
    let power = 0
    for (let bin = fromBin; bin < this.#counts.length; bin++) {
      count += this.#counts[bin]!
      power += this.#powers[bin]!
    }
    return count === 0 ? 0 : power / count
  }

  /** Mean power over the relative gate; 0 when nothing passed the absolute one. */
  gatedMean(belowMeanLu: number): number {
    return this.#mean(this.#gate(belowMeanLu))
  }

  /** Distance in LU of two percentiles (0 to 1) of the levels over the relative gate. */
  gatedSpread(belowMeanLu: number, low: number, high: number): number {
    const from = this.#gate(belowMeanLu)
    const total = this.#counts.subarray(from).reduce((sum, count) => sum + count, 0)
    const binAt = (share: number): number => {
      const rank = Math.round((total - 1) * share)
      let seen = 0
      for (let bin = from; bin < this.#counts.length; bin++) {
        seen += this.#counts[bin]!
        if (seen > rank) return bin
      }
      return from
    }
    return total === 0 ? 0 : (binAt(high) - binAt(low)) / binsPerLu
  }
}

/** Takes interleaved samples in pieces of any number of frames. */
export class LoudnessMeter {
  readonly #sampleRateHz: number
  readonly #channels: number
  readonly #weights: ReadonlyArray<number>
  readonly #filter: ReturnType<typeof designKWeighting>
  /** Per channel: x[n−1], x[n−2] of the input, then of the shelf's output, then of the high-pass's. */
  readonly #state: Float64Array
  readonly #stepPowers = new Float64Array(stepsPerShortTerm)
  readonly #stepFrames = new Float64Array(stepsPerShortTerm)
  readonly #blocks = new LevelHistogram()
  readonly #shortTerms = new LevelHistogram()
  #steps = 0
  #frames = 0
  #nextStepFrame: number
  #stepPower = 0
  #stepStart = 0
  #totalPower = 0

  constructor(sampleRateHz: number, channels: number) {
    this.#sampleRateHz = sampleRateHz
    this.#channels = channels
    this.#weights = channelWeights(channels)
    this.#filter = designKWeighting(sampleRateHz)
    this.#state = new Float64Array(channels * 6)
    this.#nextStepFrame = Math.round(sampleRateHz / stepsPerSecond)
  }

  push(samples: Float32Array): void {
    const frames = samples.length / this.#channels
    let from = 0
    while (from < frames) {
      const to = Math.min(frames, from + this.#nextStepFrame - this.#frames)
      for (let channel = 0; channel < this.#channels; channel++) {
        this.#stepPower += this.#weights[channel]! * this.#weighted(samples, channel, from, to)
      }
      this.#frames += to - from
      from = to
      if (this.#frames === this.#nextStepFrame) this.#finishStep()
    }
  }

  /** Whether every sample so far was a number; once one was not, nothing that follows can be measured. */
  get isFinite(): boolean {
    return Number.isFinite(this.#totalPower + this.#stepPower)
  }

  /** Audio shorter than one gating block (400 ms) is measured as one block of its own length. */
  finish(): { readonly integratedLufs: number; readonly rangeLu: number } {
    const power = this.#steps < stepsPerGatingBlock
      ? (this.#totalPower + this.#stepPower) / Math.max(1, this.#frames)
      : this.#blocks.gatedMean(10)
    return {
      integratedLufs: Math.max(loudnessFloorLufs, loudnessOf(power)),
      rangeLu: this.#shortTerms.gatedSpread(20, 0.1, 0.95)
    }
  }

  #finishStep(): void {
    const slot = this.#steps % stepsPerShortTerm
    this.#stepPowers[slot] = this.#stepPower
    this.#stepFrames[slot] = this.#frames - this.#stepStart
    this.#totalPower += this.#stepPower
    this.#stepPower = 0
    this.#stepStart = this.#frames
    this.#steps++
    // From the start each time: tenths of a second need not be whole numbers of frames.
    this.#nextStepFrame = Math.round((this.#steps + 1) * this.#sampleRateHz / stepsPerSecond)
    if (this.#steps >= stepsPerGatingBlock) this.#blocks.add(this.#meanOfLast(stepsPerGatingBlock))
    if (this.#steps >= stepsPerShortTerm) this.#shortTerms.add(this.#meanOfLast(stepsPerShortTerm))
  }

  #meanOfLast(steps: number): number {
    let power = 0
    let frames = 0
    for (let step = this.#steps - steps; step < this.#steps; step++) {
      power += this.#stepPowers[step % stepsPerShortTerm]!
      frames += this.#stepFrames[step % stepsPerShortTerm]!
    }
    return power / frames
  }

  /**
   * Sum of squares of one channel after both filters. Direct form I, because its feedback path is the shortest: this loop
   * sees every sample of every import.
   */
  #weighted(samples: Float32Array, channel: number, from: number, to: number): number {
    const { shelf, highPass } = this.#filter
    const { b0, b1, b2, a1, a2 } = shelf
    const { a1: c1, a2: c2 } = highPass
    const state = this.#state
    const at = channel * 6
    let x1 = state[at]!, x2 = state[at + 1]!
    let y1 = state[at + 2]!, y2 = state[at + 3]!
    let z1 = state[at + 4]!, z2 = state[at + 5]!
    let sum = 0
    const stride = this.#channels
    for (let index = from * stride + channel, end = to * stride; index < end; index += stride) {
      const x = samples[index]!
      const y = b0 * x + b1 * x1 + b2 * x2 - a2 * y2 - a1 * y1
      const z = y - 2 * y1 + y2 - c2 * z2 - c1 * z1
      x2 = x1
      x1 = x
      y2 = y1
      y1 = y
      z2 = z1
      z1 = z
      sum += z * z
    }
    state[at] = x1
    state[at + 1] = x2
    state[at + 2] = quiet(y1)
    state[at + 3] = quiet(y2)
    state[at + 4] = quiet(z1)
    state[at + 5] = quiet(z2)
    return sum
  }
}

/** Filter tails decay into subnormal numbers, which are many times slower to compute with. */
const quiet = (value: number): number => (Math.abs(value) < 1e-30 ? 0 : value)
