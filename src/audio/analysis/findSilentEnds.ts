import { Effect } from "effect"
import type { AudioProcessingError, TimedOutError } from "../../domain/errors.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { type Demuxer, input } from "../ffmpeg/input.ts"
import { strictness } from "./completeness.ts"
import { pcmFrames } from "./pcmFrames.ts"

export interface SilenceRequest {
  readonly path: string
  readonly demuxer: Demuxer
  readonly sampleRateHz: number
  readonly channels: number
  /** Of the full scale: what stays below it in every channel is silence. */
  readonly thresholdDb: number
  readonly onProgress: (decodedMs: number) => void
}

export interface SilentEnds {
  /** In frames, one sample of each channel. */
  readonly totalFrames: number
  /** Null when everything is silence. */
  readonly sound: { readonly firstFrame: number; readonly lastFrame: number } | null
}

/** Where the first and the last sample above the threshold are. */
export const findSilentEnds = Effect.fn("audio.findSilentEnds")(function* (request: SilenceRequest): Effect.fn.Return<SilentEnds, AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { channels, demuxer, sampleRateHz } = request
  const threshold = 10 ** (request.thresholdDb / 20)
  let frames = 0
  let first = -1
  let last = -1
  yield* ffmpeg.run({
    args: [
      ...strictness(demuxer), ...input(request.path, demuxer),
      "-map", "0:a:0", "-flush_packets", "0", "-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels), "pipe:3"
    ],
    outputs: {
      fd3: pcmFrames(channels, (samples) => {
        for (let at = 0; at < samples.length; at += 1) {
          if (Math.abs(samples[at] ?? 0) < threshold) continue
          last = frames + Math.floor(at / channels)
          if (first < 0) first = last
        }
        frames += samples.length / channels
        request.onProgress((frames / sampleRateHz) * 1000)
      })
    }
  })
  return { totalFrames: frames, sound: first < 0 ? null : { firstFrame: first, lastFrame: last } }
})
