/** The finished recording as whoever plays it will hear it: decoded from its file once more and measured. */
import { Effect } from "effect"
import { AudioProcessingError, type TimedOutError } from "../../domain/errors.ts"
import type { Loudness } from "../../domain/Track.ts"
import { LoudnessMeter } from "../analysis/LoudnessMeter.ts"
import { pcmFrames } from "../analysis/pcmFrames.ts"
import { PeakMeter } from "../analysis/PeakMeter.ts"
import { TruePeakMeter } from "../analysis/TruePeakMeter.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { input } from "../ffmpeg/input.ts"
import type { Waveform } from "../waveform/Waveform.ts"
import type { AudioFile } from "./AudioFile.ts"
import { NoiseMeter, type NoiseReport } from "./NoiseMeter.ts"

export interface Measurement {
  readonly durationMs: number
  readonly loudness: Loudness
  readonly noise: NoiseReport
  /** At 256 samples a pixel. */
  readonly waveform: Waveform
}

const samplesPerPixel = 256

export const measure = Effect.fn("audio.measure")(function* (
  file: AudioFile,
  onProgress: (decodedMs: number) => void
): Effect.fn.Return<Measurement, AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { channels, sampleRateHz } = file
  const loudness = new LoudnessMeter(sampleRateHz, channels)
  const truePeak = new TruePeakMeter(sampleRateHz, channels)
  const peaks = new PeakMeter(channels, samplesPerPixel)
  const noise = new NoiseMeter(sampleRateHz, channels)
  let frames = 0
  yield* ffmpeg.run({
    args: ["-xerror", ...input(file.path, file.demuxer), "-map", "0:a:0", "-flush_packets", "0", "-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels), "pipe:3"],
    outputs: {
      fd3: pcmFrames(channels, (samples) => {
        loudness.push(samples)
        truePeak.push(samples)
        peaks.push(samples)
        noise.push(samples)
        frames += samples.length / channels
        onProgress((frames / sampleRateHz) * 1000)
      })
    }
  })
  if (frames === 0 || !loudness.isFinite) return yield* new AudioProcessingError({ message: "The result could not be read back." })
  return {
    durationMs: Math.round((frames / sampleRateHz) * 1000),
    loudness: { ...loudness.finish(), truePeakDbtp: truePeak.finish() },
    noise: noise.finish(),
    waveform: { sampleRateHz, samplesPerPixel, peaks: peaks.finish() }
  }
})
