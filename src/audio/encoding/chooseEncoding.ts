import type { InputIssue } from "../../domain/errors.ts"
import type { AudioFormat } from "../../domain/Track.ts"
import { type Bitrates, type Encoding, encodings } from "./encodings.ts"

export interface EncodingWish {
  readonly format: AudioFormat
  readonly bitrateKbps: number | null
  readonly sampleRateHz: number | null
}

export interface ChosenEncoding {
  readonly encoding: Encoding
  /** Null for a lossless format. */
  readonly bitrateKbps: number | null
  readonly sampleRateHz: number
  readonly channels: number
}

/** The source's own rate where the format has it, else the next higher one, else its highest. */
const defaultRate = ({ sampleRatesHz }: Encoding, sourceHz: number): number =>
  sampleRatesHz.find((rate) => rate >= sourceHz) ?? sampleRatesHz.at(-1) ?? sourceHz

const allows = (bitrates: Bitrates, kbps: number): boolean =>
  "oneOf" in bitrates ? bitrates.oneOf.includes(kbps) : kbps >= bitrates.from && kbps <= bitrates.to

const inWords = (bitrates: Bitrates): string => ("oneOf" in bitrates ? `one of ${bitrates.oneOf.join(", ")}` : `from ${bitrates.from} to ${bitrates.to}`)

/** What is allowed and nearest. */
const nearest = (bitrates: Bitrates, kbps: number): number =>
  "oneOf" in bitrates
    ? bitrates.oneOf.reduce((best, each) => (Math.abs(each - kbps) < Math.abs(best - kbps) ? each : best))
    : Math.min(Math.max(kbps, bitrates.from), bitrates.to)

/** How a source is encoded as it is wished, or every reason why it cannot be. Paths begin with the wish's fields. */
export const chooseEncoding = (wish: EncodingWish, source: { readonly sampleRateHz: number; readonly channels: number }): ChosenEncoding | ReadonlyArray<InputIssue> => {
  const encoding = encodings[wish.format]
  const channels = Math.min(source.channels, encoding.maxChannels)
  const sampleRateHz = wish.sampleRateHz ?? defaultRate(encoding, source.sampleRateHz)
  const issues: Array<InputIssue> = []
  if (!encoding.sampleRatesHz.includes(sampleRateHz)) {
    issues.push({ path: ["sampleRateHz"], message: `${wish.format} has a sample rate of one of ${encoding.sampleRatesHz.join(", ")} Hz` })
  }
  const bitrates = encoding.bitrates?.({ sampleRateHz, channels })
  if (bitrates === undefined && wish.bitrateKbps !== null) issues.push({ path: ["bitrateKbps"], message: `${wish.format} is lossless: leave the bit rate out` })
  // What a wrong sample rate would allow says nothing.
  if (bitrates !== undefined && wish.bitrateKbps !== null && issues.length === 0 && !allows(bitrates, wish.bitrateKbps)) {
    issues.push({ path: ["bitrateKbps"], message: `${wish.format} with ${channels === 1 ? "one channel" : "two channels"} at ${sampleRateHz} Hz has a bit rate ${inWords(bitrates)} kbit/s` })
  }
  if (issues.length > 0) return issues
  const usual = (encoding.defaultBitrateKbps ?? 0) / (channels === 1 ? 2 : 1)
  return { encoding, sampleRateHz, channels, bitrateKbps: bitrates === undefined ? null : (wish.bitrateKbps ?? nearest(bitrates, usual)) }
}

export const isChosen = (choice: ReturnType<typeof chooseEncoding>): choice is ChosenEncoding => "encoding" in choice
