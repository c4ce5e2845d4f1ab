/** Everything that is measured of a recording, from decoding it once. */
import { Effect } from "effect"
import { AudioProcessingError, type ResourceLimitError, type TimedOutError } from "../../domain/errors.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { type Demuxer, input } from "../ffmpeg/input.ts"
import type { Loudness } from "../../domain/Track.ts"
import type { Waveform } from "../waveform/Waveform.ts"
import { allowedShortfallMs, refutesDeclaredDuration, strictness } from "./completeness.ts"
import { LoudnessMeter } from "./LoudnessMeter.ts"
import { pcmFrames } from "./pcmFrames.ts"
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
const damaged = (message: string): AudioProcessingError => new AudioProcessingError({ message })

/** Only up to two channels are supported by ffmpeg's chromaprint; fingerprints are of the mono mix anyway. */
const maxFingerprintChannels = 2

/**
 * Loudness, true peak, peaks and fingerprint of the first audio stream. Its samples pass through once and are measured as
 * they come, in pieces of a few tenths of a millisecond: ffmpeg decodes on another core meanwhile, and waits when we are slower.
 *
 * Fails with AudioProcessingError when the audio is damaged, cut short of what its headers promise, or has no samples;
 * with what `tooLong` makes as soon as more than `maxDurationMs` were decoded.
 */
export const analyze = Effect.fn("audio.analyze")(function* (request: AnalysisRequest): Effect.fn.Return<Analysis, AudioProcessingError | TimedOutError | ResourceLimitError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { sampleRateHz, channels, demuxer, maxDurationMs } = request
  const loudness = new LoudnessMeter(sampleRateHz, channels)
  const truePeak = new TruePeakMeter(sampleRateHz, channels)
  const peaks = new PeakMeter(channels, samplesPerPixel)
  const fingerprint: Array<Uint8Array> = []
  let frames = 0
  let isDurationDeclared = true
  // A little more than is allowed tells too long from just long enough; nothing behind it is decoded.
  const limit = ["-t", String(maxDurationMs / 1000 + 1)]
  // Two outputs and not one graph with filters: ffmpeg 7 runs each on a thread of its own.
  yield* ffmpeg.run({
    args: [
      ...strictness(demuxer),
      ...input(request.path, demuxer),
      // Whole buffers instead of single packets: a third of the reads on our side.
      "-map", "0:a:0", ...limit, "-flush_packets", "0", "-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels), "pipe:3",
      "-map", "0:a:0", ...limit, "-f", "chromaprint", "-fp_format", "raw", "-ac", String(Math.min(channels, maxFingerprintChannels)), "pipe:4"
    ],
    outputs: {
      fd3: pcmFrames(channels, (samples) => {
        loudness.push(samples)
        truePeak.push(samples)
        peaks.push(samples)
        frames += samples.length / channels
        request.onProgress((frames / sampleRateHz) * 1000)
      }),
      fd4: (chunk) => fingerprint.push(chunk)
    },
    onStderrLine: (line) => {
      if (refutesDeclaredDuration(line)) isDurationDeclared = false
    }
  })
  const durationMs = Math.round((frames / sampleRateHz) * 1000)
  if (frames === 0) return yield* damaged("The file has no audio in it.")
  if (durationMs > maxDurationMs) return yield* request.tooLong()
  if (!loudness.isFinite) return yield* damaged("The file has samples that are not numbers.")
  const declaredMs = request.declaredDurationMs ?? 0
  if (isDurationDeclared && declaredMs - durationMs > allowedShortfallMs(declaredMs)) {
    return yield* damaged(`The file is cut short: it announces ${(declaredMs / 1000).toFixed(1)} s of audio and has ${(durationMs / 1000).toFixed(1)} s. Get it again from where it came.`)
  }
  const raw = Buffer.concat(fingerprint)
  return {
    durationMs,
    loudness: { ...loudness.finish(), truePeakDbtp: truePeak.finish() },
    waveform: { sampleRateHz, samplesPerPixel, peaks: peaks.finish() },
    fingerprint: new Int32Array(new Uint8Array(raw).buffer)
  }
})
