/** The waveform formats of BBC audiowaveform: binary `.dat` version 2 and JSON version 2, 8 bits, one channel. */

export interface Waveform {
  readonly sampleRateHz: number
  readonly samplesPerPixel: number
  /** Pairs of least and greatest, −128 to 127. */
  readonly peaks: Int8Array
}

const headerBytes = 24
const version = 2
const flag8Bit = 1

/** https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md */
export const encodeDat = ({ sampleRateHz, samplesPerPixel, peaks }: Waveform): Uint8Array => {
  const bytes = new Uint8Array(headerBytes + peaks.length)
  const header = new DataView(bytes.buffer)
  const fields = [version, flag8Bit, sampleRateHz, samplesPerPixel, peaks.length / 2, 1]
  fields.forEach((value, index) => header.setInt32(index * 4, value, true))
  bytes.set(new Uint8Array(peaks.buffer, peaks.byteOffset, peaks.length), headerBytes)
  return bytes
}

/** Reads what `encodeDat` wrote. */
export const decodeDat = (bytes: Uint8Array): Waveform => {
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  return {
    sampleRateHz: header.getInt32(8, true),
    samplesPerPixel: header.getInt32(12, true),
    peaks: new Int8Array(bytes.buffer, bytes.byteOffset + headerBytes, header.getUint32(16, true) * 2)
  }
}

/** Fewer pixels of `factor` times the samples each; exact, as a peak of peaks is a peak. */
export const coarsen = ({ sampleRateHz, samplesPerPixel, peaks }: Waveform, factor: number): Waveform => {
  const length = Math.ceil(peaks.length / 2 / factor)
  const coarse = new Int8Array(length * 2)
  for (let pixel = 0; pixel < length; pixel++) {
    let min = 127
    let max = -128
    for (let at = pixel * factor * 2; at < Math.min(peaks.length, (pixel + 1) * factor * 2); at += 2) {
      min = Math.min(min, peaks[at]!)
      max = Math.max(max, peaks[at + 1]!)
    }
    coarse[pixel * 2] = min
    coarse[pixel * 2 + 1] = max
  }
  return { sampleRateHz, samplesPerPixel: samplesPerPixel * factor, peaks: coarse }
}

/** In pieces, so that no string has to hold the whole. */
export function* encodeJson({ sampleRateHz, samplesPerPixel, peaks }: Waveform): Generator<string> {
  yield `{"version":2,"channels":1,"sample_rate":${sampleRateHz},"samples_per_pixel":${samplesPerPixel},"bits":8,"length":${peaks.length / 2},"data":[`
  const piece = 32_768
  for (let at = 0; at < peaks.length; at += piece) yield `${at === 0 ? "" : ","}${peaks.subarray(at, at + piece).join(",")}`
  yield "]}"
}
