export interface Biquad {
  readonly b0: number
  readonly b1: number
  readonly b2: number
  readonly a1: number
  readonly a2: number
}

/**
 * The K-weighting filters of ITU-R BS.1770-4 for any sample rate. The standard gives coefficients at 48 kHz only; these are
 * the analogue prototypes behind them (Brecht De Man, "Evaluation of implementations of the EBU R128 loudness
 * measurement", AES 145, 2018), mapped by the bilinear transform. The high-pass has the numerator 1 − 2z⁻¹ + z⁻² that the standard gives.
 */
export const designKWeighting = (sampleRateHz: number): { readonly shelf: Biquad; readonly highPass: Biquad } => {
  const shelf = (() => {
    const k = Math.tan(Math.PI * 1681.974450955533 / sampleRateHz)
    const q = 0.7071752369554196
    const vh = 10 ** (3.999843853973347 / 20)
    const vb = vh ** 0.4996667741545416
    const a0 = 1 + k / q + k * k
    return {
      b0: (vh + vb * k / q + k * k) / a0,
      b1: 2 * (k * k - vh) / a0,
      b2: (vh - vb * k / q + k * k) / a0,
      a1: 2 * (k * k - 1) / a0,
      a2: (1 - k / q + k * k) / a0
    }
  })()
  const highPass = (() => {
    const k = Math.tan(Math.PI * 38.13547087602444 / sampleRateHz)
    const q = 0.5003270373238773
    const a0 = 1 + k / q + k * k
    return { b0: 1, b1: -2, b2: 1, a1: 2 * (k * k - 1) / a0, a2: (1 - k / q + k * k) / a0 }
  })()
  return { shelf, highPass }
}
