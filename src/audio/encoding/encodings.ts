/** The formats that audio can be converted to, and what each can hold. */
import type { AudioFormat } from "../../domain/Track.ts"
import type { Demuxer } from "../ffmpeg/input.ts"

interface Stream {
  readonly sampleRateHz: number
  readonly channels: number
}

/** Bit rates in kbit/s: a few, or all from one to another. */
export type Bitrates = { readonly oneOf: ReadonlyArray<number> } | { readonly from: number; readonly to: number }

export interface Encoding {
  readonly extension: string
  readonly mediaType: string
  /** What reads the result. */
  readonly demuxer: Demuxer
  readonly sampleRatesHz: ReadonlyArray<number>
  /** More are mixed down. */
  readonly maxChannels: number
  /** Undefined where the format is lossless, and so has none to choose. */
  readonly bitrates?: (stream: Stream) => Bitrates
  /** For stereo; mono gets half. */
  readonly defaultBitrateKbps?: number
  /** Of ffmpeg: codec and container. */
  readonly args: (bitDepth: 16 | 24) => ReadonlyArray<string>
}

const losslessRatesHz = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 176_400, 192_000]

/** ISO/IEC 11172-3, 2.4.2.3, and its extensions to lower rates. */
const mp3Bitrates = ({ sampleRateHz }: Stream): Bitrates => ({
  oneOf: sampleRateHz >= 32_000
    ? [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    : sampleRateHz >= 16_000
    ? [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    : [8, 16, 24, 32, 40, 48, 56, 64]
})

/** A frame has at most 6,144 bits a channel and 1,024 samples (ISO/IEC 14496-3, 4.5.3). */
const aacBitrates = ({ channels, sampleRateHz }: Stream): Bitrates => ({ from: 8 * channels, to: Math.min(512, Math.floor((6 * sampleRateHz * channels) / 1000)) })

/** What libvorbis accepts, tried one by one with ffmpeg 7.0: from sample rates on, for mono and for stereo. */
const vorbisBitrates: ReadonlyArray<readonly [fromHz: number, mono: readonly [number, number], stereo: readonly [number, number]]> = [
  [44_100, [32, 240], [48, 500]],
  [32_000, [32, 160], [40, 320]],
  [22_050, [16, 80], [32, 160]],
  [16_000, [16, 96], [24, 192]],
  [11_025, [12, 48], [16, 96]],
  [0, [8, 40], [12, 80]]
]

const oggBitrates = ({ channels, sampleRateHz }: Stream): Bitrates => {
  const [, mono, stereo] = vorbisBitrates.find(([fromHz]) => sampleRateHz >= fromHz) ?? [0, [8, 40], [12, 80]]
  const [from, to] = channels === 1 ? mono : stereo
  return { from, to }
}

export const encodings: { readonly [F in AudioFormat]: Encoding } = {
  MP3: {
    extension: "mp3",
    mediaType: "audio/mpeg",
    demuxer: "mp3",
    sampleRatesHz: [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
    maxChannels: 2,
    bitrates: mp3Bitrates,
    defaultBitrateKbps: 192,
    args: () => ["-c:a", "libmp3lame", "-id3v2_version", "4", "-f", "mp3"]
  },
  FLAC: { extension: "flac", mediaType: "audio/flac", demuxer: "flac", sampleRatesHz: losslessRatesHz, maxChannels: 8, args: (bitDepth) => ["-c:a", "flac", "-sample_fmt", bitDepth === 16 ? "s16" : "s32", "-f", "flac"] },
  // Four gigabytes are all that a plain WAV can count.
  WAV: { extension: "wav", mediaType: "audio/wav", demuxer: "wav", sampleRatesHz: losslessRatesHz, maxChannels: 8, args: (bitDepth) => ["-c:a", `pcm_s${bitDepth}le`, "-rf64", "auto", "-f", "wav"] },
  AAC: {
    extension: "m4a",
    mediaType: "audio/mp4",
    demuxer: "mov",
    sampleRatesHz: [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000],
    maxChannels: 2,
    bitrates: aacBitrates,
    defaultBitrateKbps: 192,
    // The index in front, so that players begin before they have everything.
    args: () => ["-c:a", "aac", "-movflags", "+faststart", "-f", "ipod"]
  },
  OPUS: {
    extension: "opus",
    mediaType: "audio/ogg",
    demuxer: "ogg",
    sampleRatesHz: [8_000, 12_000, 16_000, 24_000, 48_000],
    maxChannels: 2,
    bitrates: ({ channels }) => ({ from: 6, to: Math.min(510, 256 * channels) }),
    defaultBitrateKbps: 128,
    args: () => ["-c:a", "libopus", "-f", "opus"]
  },
  OGG: {
    extension: "ogg",
    mediaType: "audio/ogg",
    demuxer: "ogg",
    sampleRatesHz: [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
    maxChannels: 2,
    bitrates: oggBitrates,
    defaultBitrateKbps: 160,
    args: () => ["-c:a", "libvorbis", "-f", "ogg"]
  }
}
