/** What ffmpeg makes of a file's headers and first samples. ffmpeg itself is asked, because ffprobe is not everywhere where ffmpeg is. */
import { Effect } from "effect"
import { AudioProcessingError, type TimedOutError, type UnsupportedMediaError } from "../domain/errors.ts"
import { FFmpeg } from "./FFmpeg.ts"
import { input } from "./ffmpeg/input.ts"
import { InputReport } from "./ffmpeg/InputReport.ts"
import type { AudioFormat } from "./formats.ts"
import { unsupported } from "./sniff.ts"

export interface Probe {
  readonly codec: string
  /** Of the decoded samples. */
  readonly sampleRateHz: number
  readonly channels: number
  /** What its samples hold: lossy codecs and 8-bit recordings count as 16. */
  readonly bitDepth: 16 | 24
  /** Of the audio, where the format says or the file has nothing else in it; else null. */
  readonly bitrateBps: number | null
  /** As declared, or estimated from the bit rate: the truth is in the samples. Null where the header has none. */
  readonly durationMs: number | null
}

/** By ffmpeg's name of the sample format; a lossy codec's floating point promises more than there is. */
const bitDepthOf = (codec: string, sampleFormat: string): 16 | 24 =>
  /^s(?:32|64)/u.test(sampleFormat) || (codec.startsWith("pcm_") && /^(?:flt|dbl)/u.test(sampleFormat)) ? 24 : 16

const probeTimeoutMs = 30_000

/**
 * Reads the headers and decodes until there are samples. Fails with UnsupportedMediaError when there is no sound in the
 * file, as in a silent film, and with AudioProcessingError when there should be but none can be decoded.
 */
export const probe = Effect.fn("audio.probe")(function* (path: string, format: AudioFormat): Effect.fn.Return<Probe, UnsupportedMediaError | AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const report = new InputReport()
  // The lines are read as they come: behind a megabyte of tags they would be missing in the excerpt that `run` keeps.
  yield* ffmpeg.run({
    args: [...input(path, format.demuxer), "-map", "0:a:0", "-af", "ashowinfo", "-frames:a", "1", "-f", "null", "-"],
    onStderrLine: (line) => report.push(line),
    timeoutMs: probeTimeoutMs
  }).pipe(
    Effect.mapError((failure) => report.isWithoutAudio ? unsupported(`${format.container} without sound`) : failure)
  )
  const { codec, samples, durationMs, bitrateBps } = report
  if (codec === undefined || samples === undefined) {
    return yield* new AudioProcessingError({ message: "No sound could be decoded: the file is damaged or of a codec that is not supported." })
  }
  return { codec, sampleRateHz: samples.rateHz, channels: samples.channels, bitDepth: bitDepthOf(codec, samples.format), bitrateBps, durationMs }
})
