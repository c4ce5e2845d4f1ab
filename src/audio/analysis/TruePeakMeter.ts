/**
 * True peak by ITU-R BS.1770-4: the greatest magnitude of the signal between its samples, found by interpolation at 192 kHz
 * or more. The interpolator is the one that ffmpeg's ebur128 uses (32 taps, Kaiser window, β = 9).
 *
 * Interpolating every sample would cost more than decoding. A peak between samples stands beside a sample that is a local
 * maximum, so only those are looked at, and of those only the ones within `searchShare` of the peak found so far: they
 * would have to be exceeded by more than 1 / searchShare between samples. docs/audio-analysis.md has the measured error.
 */

/** What silence is reported as: below the last bit of 24. */
export const truePeakFloorDbtp = -144

const taps = 32
const halfTaps = taps / 2
const kaiserBeta = 9
const interpolatedRateHz = 192_000
const searchShare = 0.6
const maxPieceFrames = 8192

/** A power of two, so that the middle between two samples, where a tone of a quarter of the rate peaks, is looked at. */
const oversampling = (sampleRateHz: number): number => {
  let factor = 1
  while (factor * sampleRateHz < interpolatedRateHz && factor < 64) factor *= 2
  return factor
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
const besselI0 = (x: number): number => {
  let sum = 1
  let term = 1
  for (let n = 1; term > sum * 1e-16; n++) {
    term *= (x / (2 * n)) ** 2
    sum += term
  }
  return sum
}

/** Taps for the points between two samples: row p − 1 interpolates at p / factor behind the earlier one. */
const designInterpolator = (factor: number): Float64Array => {
  const rows = new Float64Array((factor - 1) * taps)
  for (let phase = 1; phase < factor; phase++) {
    const row = rows.subarray((phase - 1) * taps, phase * taps)
    for (let tap = 0; tap < taps; tap++) {
      const t = tap - (halfTaps - 1) - phase / factor
      const w = t / halfTaps
      row[tap] = Math.sin(Math.PI * t) / (Math.PI * t) * besselI0(kaiserBeta * Math.sqrt(Math.max(0, 1 - w * w)))
    }
    const gain = row.reduce((sum, value) => sum + value, 0)
    for (let tap = 0; tap < taps; tap++) row[tap]! /= gain
  }
  return rows
}

/** Takes interleaved samples in pieces of any number of frames. */
export class TruePeakMeter {
  readonly #channels: number
  readonly #phases: number
  readonly #rows: Float64Array
  /** The last `taps` frames of what came before, then the piece at hand. */
  readonly #window: Float32Array
  #peak = 0

  constructor(sampleRateHz: number, channels: number) {
    const factor = oversampling(sampleRateHz)
    this.#channels = channels
    this.#phases = factor - 1
    this.#rows = designInterpolator(factor)
    this.#window = new Float32Array((taps + maxPieceFrames) * channels)
  }

  push(samples: Float32Array): void {
    const history = taps * this.#channels
    const step = maxPieceFrames * this.#channels
    for (let from = 0; from < samples.length; from += step) {
      const piece = samples.subarray(from, from + step)
      this.#window.set(piece, history)
      this.#raiseToSamples(piece)
      if (this.#phases > 0) this.#search(piece.length)
      this.#window.copyWithin(0, piece.length, piece.length + history)
    }
  }

  /** dBTP, relative to full scale; samples decoded from lossy formats can exceed 0. */
  finish(): number {
    this.push(new Float32Array(taps * this.#channels))
    return this.#peak === 0 ? truePeakFloorDbtp : Math.max(truePeakFloorDbtp, 20 * Math.log10(this.#peak))
  }

  #raiseToSamples(samples: Float32Array): void {
    let peak = this.#peak
    for (let index = 0; index < samples.length; index++) {
      const magnitude = Math.abs(samples[index]!)
      if (magnitude > peak) peak = magnitude
    }
    this.#peak = peak
  }

  /** Looks around every sample that has `halfTaps` neighbours on both sides in the window now and had not before. */
  #search(pieceLength: number): void {
    const window = this.#window
    const channels = this.#channels
    const first = halfTaps * channels
    let threshold = this.#peak * searchShare
    for (let index = first, end = first + pieceLength; index < end; index++) {
      const magnitude = Math.abs(window[index]!)
      if (magnitude < threshold || magnitude === 0) continue
      if (magnitude < Math.abs(window[index - channels]!) || magnitude < Math.abs(window[index + channels]!)) continue
      this.#interpolate(index - channels)
      this.#interpolate(index)
      threshold = this.#peak * searchShare
    }
  }

  /** All points between the sample at `index` and the next of its channel. */
  #interpolate(index: number): void {
    const window = this.#window
    const rows = this.#rows
    const channels = this.#channels
    const first = index - (halfTaps - 1) * channels
    for (let row = 0; row < this.#phases; row++) {
      let sum = 0
      for (let tap = 0, at = first; tap < taps; tap++, at += channels) sum += rows[row * taps + tap]! * window[at]!
      const magnitude = Math.abs(sum)
      if (magnitude > this.#peak) this.#peak = magnitude
    }
  }
}
