const bytesPerSample = 4
const maxSamples = 32_768

/**
 * Turns chunks of bytes, cut anywhere, into whole frames of 32-bit float samples. The array given to `consume` is used
 * again for the next frames: minutes of audio pass through without leaving garbage.
 */
export const pcmFrames = (channels: number, consume: (samples: Float32Array) => void): ((chunk: Uint8Array) => void) => {
  const frameBytes = channels * bytesPerSample
  const samples = new Float32Array(maxSamples - (maxSamples % channels))
  const bytes = new Uint8Array(samples.buffer)
  let pending = 0
  return (chunk) => {
    for (let from = 0; from < chunk.length;) {
      const to = Math.min(chunk.length, from + bytes.length - pending)
      bytes.set(chunk.subarray(from, to), pending)
      pending += to - from
      from = to
      const whole = pending - (pending % frameBytes)
      if (whole > 0) consume(samples.subarray(0, whole / bytesPerSample))
      bytes.copyWithin(0, whole, pending)
      pending -= whole
    }
  }
}
