/** Power spectra of real frames: an iterative radix-2 FFT of a power-of-two length, with its tables made once. */
export class PowerSpectrum {
  readonly length: number
  readonly #cos: Float64Array
  readonly #sin: Float64Array
  readonly #window: Float64Array
  readonly #windowEnergy: number
  readonly #reversed: Uint32Array
  readonly #re: Float64Array
  readonly #im: Float64Array

  constructor(length: number) {
    this.length = length
    this.#cos = Float64Array.from({ length: length / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / length))
    this.#sin = Float64Array.from({ length: length / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / length))
    this.#window = Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length))
    this.#windowEnergy = this.#window.reduce((sum, weight) => sum + weight * weight, 0)
    this.#reversed = new Uint32Array(length)
    const bits = Math.log2(length)
    for (let index = 0; index < length; index++) {
      let reversed = 0
      for (let bit = 0; bit < bits; bit++) reversed |= ((index >> bit) & 1) << (bits - 1 - bit)
      this.#reversed[index] = reversed
    }
    this.#re = new Float64Array(length)
    this.#im = new Float64Array(length)
  }

  /**
   * Writes length / 2 + 1 powers into `into`, Hann-windowed and so scaled that white noise of variance v has the mean v in
   * every bin. Reads every `stride`-th of the samples.
   */
  transform(samples: Float32Array, offset: number, stride: number, into: Float64Array): void {
    const re = this.#re
    const im = this.#im
    for (let n = 0; n < this.length; n++) re[this.#reversed[n]!] = samples[offset + n * stride]! * this.#window[n]!
    im.fill(0)
    for (let half = 1; half < this.length; half *= 2) {
      const step = this.length / (2 * half)
      for (let start = 0; start < this.length; start += 2 * half) {
        for (let k = 0, table = 0; k < half; k++, table += step) {
          const a = start + k
          const b = a + half
          const c = this.#cos[table]!
          const s = this.#sin[table]!
          const real = re[b]! * c + im[b]! * s
          const imaginary = im[b]! * c - re[b]! * s
          re[b] = re[a]! - real
          im[b] = im[a]! - imaginary
          re[a]! += real
          im[a]! += imaginary
        }
      }
    }
    for (let bin = 0; bin <= this.length / 2; bin++) into[bin] = (re[bin]! ** 2 + im[bin]! ** 2) / this.#windowEnergy
  }
}
