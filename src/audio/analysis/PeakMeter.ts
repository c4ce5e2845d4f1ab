/**
 * Waveform peaks as audiowaveform draws them: all channels mixed to one (the mean, towards zero, in 16 bits), and of every
 * `framesPerPixel` frames the least and the greatest value in 8 bits.
 */

const fullScale = 32_768

/** Grows as the audio does, by two bytes a pixel: 5 MB for four hours at 256 frames and 44.1 kHz. */
export class PeakMeter {
  readonly #channels: number
  readonly #framesPerPixel: number
  #peaks = new Int8Array(64 * 1024)
  #length = 0
  /** Least and greatest sum of the channels in the pixel at hand. */
  #least = Infinity
  #greatest = -Infinity
  #framesInPixel = 0

  constructor(channels: number, framesPerPixel: number) {
    this.#channels = channels
    this.#framesPerPixel = framesPerPixel
  }

  /** Interleaved, full scale at ±1. */
  push(samples: Float32Array): void {
    const frames = samples.length / this.#channels
    let from = 0
    while (from < frames) {
      const to = Math.min(frames, from + this.#framesPerPixel - this.#framesInPixel)
      this.#extend(samples, from, to)
      this.#framesInPixel += to - from
      from = to
      if (this.#framesInPixel === this.#framesPerPixel) this.#finishPixel()
    }
  }

  /** Pairs of least and greatest, −128 to 127. */
  finish(): Int8Array {
    if (this.#framesInPixel > 0) this.#finishPixel()
    return this.#peaks.subarray(0, this.#length)
  }

  /** Compares sums in floating point: rounding to 16 bits keeps their order, so that two roundings a pixel are enough. */
  #extend(samples: Float32Array, from: number, to: number): void {
    const channels = this.#channels
    let least = this.#least
    let greatest = this.#greatest
    // Min and max without a branch: which sample is the next extreme one cannot be predicted.
    for (let at = from * channels, end = to * channels; at < end; at += channels) {
      let sum = samples[at]!
      for (let channel = 1; channel < channels; channel++) sum += samples[at + channel]!
      least = Math.min(least, sum)
      greatest = Math.max(greatest, sum)
    }
    this.#least = least
    this.#greatest = greatest
  }

  #finishPixel(): void {
    if (this.#length === this.#peaks.length) {
      const larger = new Int8Array(this.#peaks.length * 2)
      larger.set(this.#peaks)
      this.#peaks = larger
    }
    this.#peaks[this.#length++] = this.#eightBits(this.#least)
    this.#peaks[this.#length++] = this.#eightBits(this.#greatest)
    this.#least = Infinity
    this.#greatest = -Infinity
    this.#framesInPixel = 0
  }

  #eightBits(sum: number): number {
    const mixed = Math.trunc(Math.round(sum * fullScale) / this.#channels)
    return Math.trunc(Math.min(fullScale - 1, Math.max(-fullScale, mixed)) / 256)
  }
}
