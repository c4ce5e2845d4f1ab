/**
 * How loud a recording's background is. In the quietest tenth of the frames nothing is taken to be heard but background:
 * their mean is its level, their mean spectrum its colour. That holds for speech, which pauses; of dense music it is only
 * an upper bound, so whoever uses the figures must know what the recording is (see `inspect`).
 */
import { PowerSpectrum } from "./powerSpectrum.ts"

/** The centres of the bands in which ffmpeg's afftdn takes a noise profile (libavfilter/af_afftdn.c). */
export const profileBandsHz = [80, 120, 180, 270, 410, 620, 930, 1400, 2100, 3150, 4750, 7100, 10_700, 16_000, 24_000] as const
/** From a band's centre to its edges. */
const bandEdgeRatio = 1.224745

const frameSeconds = 0.046
const quietShare = 0.1
/** Frames below are digital silence, put there by an editor or a codec: they say nothing of the recording. */
const silenceDbfs = -85
/** With fewer audible frames, a second of audio, there may be no pause among them. */
const minAudibleFrames = 22

/** Numbers of frames of 46 ms. */
export interface Moments {
  /** Those that are not digital silence. */
  readonly audible: ReadonlyArray<number>
  /** The quietest tenth of them. */
  readonly quiet: ReadonlyArray<number>
}

export interface NoiseReport {
  /** RMS of the background over all channels; null when too little is audible to tell it from the programme. */
  readonly floorDbfs: number | null
  /** Mean power of the audible frames with the background's subtracted, over the background's. Null as above. */
  readonly snrDb: number | null
  /** For each of `profileBandsHz`, the level of white noise that is as dense as the background there. Empty as above. */
  readonly profileDbfs: ReadonlyArray<number>
  readonly moments: Moments
}

const decibels = (power: number): number => 10 * Math.log10(Math.max(power, 1e-12))

/** Takes interleaved samples in pieces of any number of frames. Memory: 64 bytes for each 46 ms, 20 MB for four hours. */
export class NoiseMeter {
  readonly #channels: number
  readonly #spectrum: PowerSpectrum
  readonly #powers: Float64Array
  /** First and last bin of each band; bands above half the sampling rate are left out. */
  readonly #bands: ReadonlyArray<readonly [from: number, to: number]>
  readonly #frame: Float32Array
  readonly #frameLevels: Array<number> = []
  readonly #frameBands: Array<Float32Array> = []
  #filled = 0

  constructor(sampleRateHz: number, channels: number) {
    const length = 2 ** Math.round(Math.log2(sampleRateHz * frameSeconds))
    const hzPerBin = sampleRateHz / length
    this.#channels = channels
    this.#spectrum = new PowerSpectrum(length)
    this.#powers = new Float64Array(length / 2 + 1)
    this.#frame = new Float32Array(length * channels)
    this.#bands = profileBandsHz
      .filter((centre) => centre / bandEdgeRatio < (sampleRateHz / 2) * 0.95)
      .map((centre) => {
        const from = Math.round(centre / bandEdgeRatio / hzPerBin)
        // The last bins before half the rate are where converters and codecs have cut.
        return [from, Math.max(from, Math.min(Math.round((centre * bandEdgeRatio) / hzPerBin), Math.floor(length * 0.475)))] as const
      })
  }

  push(samples: Float32Array): void {
    for (let from = 0; from < samples.length;) {
      const to = Math.min(samples.length, from + this.#frame.length - this.#filled)
      this.#frame.set(samples.subarray(from, to), this.#filled)
      this.#filled += to - from
      from = to
      if (this.#filled === this.#frame.length) this.#finishFrame()
    }
  }

  /**
   * With the moments of another report, what is found is of the same moments here: of two versions of one recording, what
   * became of the pauses of the first, also where they are digital silence in the second.
   */
  finish(moments: Moments = this.#moments()): NoiseReport {
    const levels = this.#frameLevels
    // Versions may differ by a last frame.
    const [audible, quiet] = [moments.audible, moments.quiet].map((frames) => frames.filter((frame) => frame < levels.length)) as [Array<number>, Array<number>]
    if (audible.length < minAudibleFrames || quiet.length === 0) return { floorDbfs: null, snrDb: null, profileDbfs: [], moments }
    const mean = (frames: ReadonlyArray<number>, of: (frame: number) => number) => frames.reduce((sum, frame) => sum + of(frame), 0) / frames.length
    const floor = mean(quiet, (frame) => levels[frame]!)
    const programme = mean(audible, (frame) => levels[frame]!) - floor
    const bands = this.#bands.map((_, band) => decibels(mean(quiet, (frame) => this.#frameBands[frame]![band]!)))
    return {
      floorDbfs: decibels(floor),
      snrDb: decibels(programme) - decibels(floor),
      profileDbfs: profileBandsHz.map((_, band) => bands[band] ?? bands.at(-1) ?? decibels(floor)),
      moments
    }
  }

  #moments(): Moments {
    const levels = this.#frameLevels
    const audible = levels.keys().filter((frame) => decibels(levels[frame]!) > silenceDbfs).toArray()
    return { audible, quiet: audible.toSorted((a, b) => levels[a]! - levels[b]!).slice(0, Math.ceil(audible.length * quietShare)) }
  }

  #finishFrame(): void {
    const frame = this.#frame
    const channels = this.#channels
    let power = 0
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0
      let squares = 0
      for (let index = channel; index < frame.length; index += channels) {
        sum += frame[index]!
        squares += frame[index]! ** 2
      }
      // Without what an offset of the zero line adds, which is not heard.
      power += Math.max(0, squares - (sum * sum * channels) / frame.length)
    }
    // One channel a frame: backgrounds are alike in all of them, and every spectrum costs.
    const channel = this.#frameLevels.length % this.#channels
    this.#spectrum.transform(frame, channel, this.#channels, this.#powers)
    this.#frameLevels.push(power / frame.length)
    this.#frameBands.push(Float32Array.from(this.#bands, ([from, to]) => {
      let sum = 0
      for (let bin = from; bin <= to; bin++) sum += this.#powers[bin]!
      return sum / (to - from + 1)
    }))
    this.#filled = 0
  }
}
