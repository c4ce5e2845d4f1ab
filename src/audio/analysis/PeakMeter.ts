/**
 * Waveform peaks as audiowaveform draws them: all channels mixed to one (the mean, towards zero, in 16 bits), and of every
 * `framesPerPixel` frames the least and the greatest value in 8 bits.
 */

/** Grows as the audio does, by two bytes a pixel: 5 MB for four hours at 256 frames and 44.1 kHz. */
export class PeakMeter {
  readonly #channels: number
  readonly #framesPerPixel: number
  #peaks = new Int8Array(64 * 1024)
  #length = 0
  #min = 32_767
  #max = -32_768
  #framesInPixel = 0

  constructor(channels: number, framesPerPixel: number) {
    this.#channels = channels
    this.#framesPerPixel = framesPerPixel
  }

  /** Interleaved, full scale at ±1. */
  push(samples: Float32Array): void {
    const channels = this.#channels
    for (let at = 0; at < samples.length; at += channels) {
      let sum = 0
      for (let channel = 0; channel < channels; channel++) {
        const scaled = samples[at + channel]! * 32_768
        sum += scaled > 32_767 ? 32_767 : scaled < -32_768 ? -32_768 : scaled | 0
      }
      const mixed = (sum / channels) | 0
      if (mixed < this.#min) this.#min = mixed
      if (mixed > this.#max) this.#max = mixed
      if (++this.#framesInPixel === this.#framesPerPixel) this.#finishPixel()
    }
  }

  /** Pairs of least and greatest, −128 to 127. */
  finish(): Int8Array {
    if (this.#framesInPixel > 0) this.#finishPixel()
    return this.#peaks.subarray(0, this.#length)
  }

  #finishPixel(): void {
    if (this.#length === this.#peaks.length) {
      const larger = new Int8Array(this.#peaks.length * 2)
      larger.set(this.#peaks)
      this.#peaks = larger
    }
    this.#peaks[this.#length++] = (this.#min / 256) | 0
    this.#peaks[this.#length++] = (this.#max / 256) | 0
    this.#min = 32_767
    this.#max = -32_768
    this.#framesInPixel = 0
  }
}
