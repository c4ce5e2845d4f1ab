/** MPEG audio and ADTS have no signature, only short headers before each frame: a chain of them tells music from chance. */

const bitratesKbps: { readonly [key: string]: ReadonlyArray<number> } = {
  "1.1": [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  "1.2": [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1.3": [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2.1": [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  "2.2": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  "2.3": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
}
const sampleRatesHz = [44_100, 48_000, 32_000]

/** The length in bytes of the MPEG-1/2/2.5 audio frame at an offset (ISO/IEC 11172-3, 2.4.1.3); 0 when there is none. */
export const mpegFrameLength = (bytes: Uint8Array, at: number): number => {
  const [sync = 0, second = 0, third = 0] = bytes.subarray(at, at + 3)
  if (sync !== 0xff || (second & 0xe0) !== 0xe0) return 0
  const versionBits = (second >> 3) & 3
  const layer = 4 - ((second >> 1) & 3)
  const rateIndex = (third >> 2) & 3
  if (versionBits === 1 || layer === 4) return 0
  const version = versionBits === 3 ? 1 : 2
  const kbps = bitratesKbps[`${version}.${layer}`]?.[third >> 4] ?? 0
  const baseRateHz = sampleRatesHz[rateIndex] ?? 0
  // "Free" bit rates do not say how long a frame is; nobody uses them.
  if (kbps === 0 || baseRateHz === 0) return 0
  const rateHz = baseRateHz / (versionBits === 3 ? 1 : versionBits === 2 ? 2 : 4)
  const padding = (third >> 1) & 1
  if (layer === 1) return (Math.floor((12_000 * kbps) / rateHz) + padding) * 4
  const samples = layer === 3 && version === 2 ? 576 : 1152
  return Math.floor(((samples / 8) * 1000 * kbps) / rateHz) + padding
}

/** The length in bytes of the ADTS frame at an offset (ISO/IEC 13818-7, 6.2); 0 when there is none. */
export const adtsFrameLength = (bytes: Uint8Array, at: number): number => {
  const header = bytes.subarray(at, at + 7)
  if (header.length < 7 || header[0] !== 0xff || ((header[1] ?? 0) & 0xf6) !== 0xf0) return 0
  if (((header[2] ?? 0) >> 2 & 15) > 12) return 0
  const length = (((header[3] ?? 0) & 3) << 11) | ((header[4] ?? 0) << 3) | ((header[5] ?? 0) >> 5)
  return length > 7 ? length : 0
}

/** How far before the first frame rubbish is tolerated, as players do. */
const maxLeadIn = 4096
/** That many frames in a row do not happen by chance: one header in random bytes does every few kilobytes. */
const chainLength = 4

/** Whether frames follow each other from somewhere near the start; a file of fewer must begin with two and hold nothing behind them but tags. */
export const hasFrameChain = (bytes: Uint8Array, frameLength: (bytes: Uint8Array, at: number) => number): boolean => {
  for (let start = 0; start < Math.min(bytes.length, maxLeadIn); start++) {
    let at = start
    let frames = 0
    for (let length = frameLength(bytes, at); length > 0 && frames < chainLength; length = frameLength(bytes, at)) {
      at += length
      frames++
    }
    if (frames >= chainLength || (start === 0 && frames >= 2 && isEnd(bytes, at))) return true
  }
  return false
}

/** Whether nothing follows but an ID3v1 or APE tag; the last frame may have been cut. */
const isEnd = (bytes: Uint8Array, at: number): boolean => at >= bytes.length || /^(?:TAG|APETAGEX)/u.test(Buffer.from(bytes.subarray(at, at + 8)).toString("latin1"))
