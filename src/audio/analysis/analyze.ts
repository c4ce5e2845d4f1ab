/** Everything that is measured of a recording, from decoding it once. */
import { Effect } from "effect"
import { AudioProcessingError, type ResourceLimitError, type TimedOutError } from "../../domain/errors.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { type Demuxer, input } from "../ffmpeg/input.ts"
import type { Loudness } from "../../domain/Track.ts"
import type { Waveform } from "../waveform/Waveform.ts"
import { LoudnessMeter } from "./LoudnessMeter.ts"
import { PeakMeter } from "./PeakMeter.ts"
import { TruePeakMeter } from "./TruePeakMeter.ts"

export interface AnalysisRequest {
  readonly path: string
  readonly demuxer: Demuxer
  readonly sampleRateHz: number
  readonly channels: number
  /** As the headers say; a recording that falls clearly short of it was cut. */
  readonly declaredDurationMs: number | null
  readonly maxDurationMs: number
  readonly tooLong: () => ResourceLimitError
  readonly onProgress: (decodedMs: number) => void
}

export interface Analysis {
  readonly durationMs: number
  readonly loudness: Loudness
  /** At 256 samples a pixel. */
  readonly waveform: Waveform
  /** Raw Chromaprint, algorithm 1; empty for less than about three seconds. */
  readonly fingerprint: Int32Array
}

const samplesPerPixel = 256
const bytesPerSample = 4

/** Turns chunks of bytes into whole frames of samples. */
const frameReader = (channels: number, consume: (samples: Float32Array) => void) => {
  const frameBytes = channels * bytesPerSample
  let rest = Buffer.alloc(0)
  return (chunk: Uint8Array) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % frameBytes)
    // A view needs an aligned start, and the chunk belongs to the pipe: both are had by a copy.
    const samples = new Float32Array(whole / bytesPerSample)
    new Uint8Array(samples.buffer).set(bytes.subarray(0, whole))
    rest = Buffer.from(bytes.subarray(whole))
    consume(samples)
  }
}

const damaged = (message: string): AudioProcessingError => new AudioProcessingError({ message })

/** How much a recording may fall short of what its header says before it counts as cut: estimates are off by that much. */
const allowedShortfallMs = (declaredMs: number): number => Math.max(1000, declaredMs * 0.02)

/**
 * Loudness, true peak, peaks and fingerprint. Fails with AudioProcessingError when the audio is damaged, cut short of
 * what its headers promise, or has no samples.
 */
export const analyze = Effect.fn("audio.analyze")(function* (request: AnalysisRequest): Effect.fn.Return<Analysis, AudioProcessingError | TimedOutError | ResourceLimitError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { sampleRateHz, channels } = request
  const loudness = new LoudnessMeter(sampleRateHz, channels)
  const truePeak = new TruePeakMeter(sampleRateHz, channels)
  const peaks = new PeakMeter(channels, samplesPerPixel)
  const fingerprint: Array<Uint8Array> = []
  let frames = 0
  yield* ffmpeg.run({
    args: [
      "-v", "error", "-xerror", "-err_detect", "+explode",
      ...input(request.path, request.demuxer),
      // One sample more than is allowed tells too long from just long enough; nothing behind it is decoded.
      "-map", "0:a:0", "-t", String(request.maxDurationMs / 1000 + 1), "-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels), "pipe:3",
      "-map", "0:a:0", "-t", String(request.maxDurationMs / 1000 + 1), "-f", "chromaprint", "-fp_format", "raw", "pipe:4"
    ],
    outputs: {
      fd3: frameReader(channels, (samples) => {
        loudness.push(samples)
        truePeak.push(samples)
        peaks.push(samples)
        frames += samples.length / channels
        request.onProgress((frames / sampleRateHz) * 1000)
      }),
      fd4: (chunk) => fingerprint.push(chunk)
    }
  })
  const durationMs = Math.round((frames / sampleRateHz) * 1000)
  if (frames === 0) return yield* damaged("The file has no audio in it.")
  if (durationMs > request.maxDurationMs) return yield* request.tooLong()
  if (!loudness.isFinite) return yield* damaged("The file has samples that are not numbers.")
  const declaredMs = request.declaredDurationMs ?? 0
  if (declaredMs - durationMs > allowedShortfallMs(declaredMs)) {
    return yield* damaged(`The file is cut short: it announces ${Math.round(declaredMs / 1000)} s of audio and has ${Math.round(durationMs / 1000)} s.`)
  }
  const raw = Buffer.concat(fingerprint)
  return {
    durationMs,
    loudness: { ...loudness.finish(), truePeakDbtp: truePeak.finish() },
    waveform: { sampleRateHz, samplesPerPixel, peaks: peaks.finish() },
    fingerprint: new Int32Array(new Uint8Array(raw).buffer)
  }
})
