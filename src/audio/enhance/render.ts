/** One pass of ffmpeg that writes a FLAC and measures what it writes. */
import { Effect } from "effect"
import { AudioProcessingError, type TimedOutError } from "../../domain/errors.ts"
import { LoudnessMeter } from "../analysis/LoudnessMeter.ts"
import { pcmFrames } from "../analysis/pcmFrames.ts"
import { TruePeakMeter } from "../analysis/TruePeakMeter.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { type Moments, NoiseMeter, type NoiseReport } from "./NoiseMeter.ts"

export interface RenderRequest {
  /** ffmpeg's arguments that read the one input. */
  readonly input: ReadonlyArray<string>
  readonly filters: ReadonlyArray<string>
  /** Where the FLAC goes. */
  readonly path: string
  readonly sampleRateHz: number
  readonly channels: number
  /** Of the recording that is rendered, so that its noise is compared at the same moments. */
  readonly moments?: Moments | undefined
  readonly onProgress?: ((renderedMs: number) => void) | undefined
}

export interface Rendered {
  readonly durationMs: number
  readonly integratedLufs: number
  readonly truePeakDbtp: number
  readonly noise: NoiseReport
}

/** What ffmpeg's encoder writes as 24 bits. */
const flac = ["-c:a", "flac", "-sample_fmt", "s32", "-f", "flac"]

export const render = Effect.fn("audio.render")(function* (request: RenderRequest): Effect.fn.Return<Rendered, AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { channels, sampleRateHz } = request
  const loudness = new LoudnessMeter(sampleRateHz, channels)
  const truePeak = new TruePeakMeter(sampleRateHz, channels)
  const noise = new NoiseMeter(sampleRateHz, channels)
  let frames = 0
  // ffmpeg 5 takes a sampling rate from the end of a graph only if it is written as a format.
  const graph = [...request.filters, `aformat=sample_fmts=flt:sample_rates=${sampleRateHz}`, "asplit=2[file][meters]"].join(",")
  yield* ffmpeg.run({
    args: [
      ...request.input,
      "-filter_complex", `[0:a:0]${graph}`,
      "-map", "[file]", "-map_metadata", "-1", ...flac, `file:${request.path}`,
      "-map", "[meters]", "-flush_packets", "0", "-f", "f32le", "-ac", String(channels), "pipe:3"
    ],
    outputs: {
      fd3: pcmFrames(channels, (samples) => {
        loudness.push(samples)
        truePeak.push(samples)
        noise.push(samples)
        frames += samples.length / channels
        request.onProgress?.((frames / sampleRateHz) * 1000)
      })
    }
  })
  if (!loudness.isFinite) return yield* new AudioProcessingError({ message: "The result has samples that are not numbers." })
  return {
    durationMs: Math.round((frames / sampleRateHz) * 1000),
    integratedLufs: loudness.finish().integratedLufs,
    truePeakDbtp: truePeak.finish(),
    noise: noise.finish(request.moments)
  }
})
