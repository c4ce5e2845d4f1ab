/** What has to be known of a recording before it is enhanced, from decoding it once (twice, where it hums). */
import { Effect } from "effect"
import { AudioProcessingError, type TimedOutError } from "../../domain/errors.ts"
import { strictness } from "../analysis/completeness.ts"
import { pcmFrames } from "../analysis/pcmFrames.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { input } from "../ffmpeg/input.ts"
import { runWorker } from "../workerThread.ts"
import type { AudioFile } from "./AudioFile.ts"
import { humNotches } from "./filters.ts"
import { type Hum, humRateHz } from "./hum.ts"
import type { Listened, ListenTask } from "./listen.worker.ts"
import { NoiseMeter, type NoiseReport } from "./NoiseMeter.ts"
import { rnnoiseRateHz } from "./rnnoise.ts"

export interface Inspection extends NoiseReport {
  readonly durationMs: number
  /** Samples a channel. */
  readonly frames: number
  /** Of the samples; above 0 where a float or lossy format holds more than full scale. */
  readonly peakDbfs: number
  /** Whether the recording is somebody speaking, with or without noise. Then its floor is what is heard in the pauses. */
  readonly isSpeech: boolean
  /** The noise report is of the recording without it. */
  readonly hum: Hum | undefined
}

const excerptSeconds = 10
const excerptCount = 3
/** Music is full of steady tones, and is hurt by notches where there was no hum. */
const minProvingLines = { speech: 2, other: 4 }

/** Where the excerpts begin, in seconds: spread over the recording, or all of it where it is short. */
const excerptStarts = (durationMs: number): ReadonlyArray<number> => {
  const seconds = durationMs / 1000
  if (seconds <= excerptSeconds * excerptCount) return []
  return Array.from({ length: excerptCount }, (_, index) => (seconds * (index + 0.5)) / excerptCount - excerptSeconds / 2)
}

const select = (starts: ReadonlyArray<number>): string =>
  starts.length === 0 ? "anull" : `aselect='${starts.map((start) => `between(t,${start.toFixed(2)},${(start + excerptSeconds).toFixed(2)})`).join("+")}'`

/**
 * Fails with AudioProcessingError when the audio is damaged, has no samples, or has samples that are not numbers.
 * `durationMs` is a hint for where to listen.
 */
export const inspect = Effect.fn("audio.inspect")(function* (
  file: AudioFile & { readonly durationMs: number }
): Effect.fn.Return<Inspection, AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { channels, sampleRateHz } = file
  const native = ["-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels)]
  const starts = excerptStarts(file.durationMs)
  const excerptsAt = (rateHz: number) => ["-map", "0:a:0", "-flush_packets", "0", "-af", select(starts), "-f", "f32le", "-ar", String(rateHz), "-ac", "1"]
  const noise = new NoiseMeter(sampleRateHz, channels)
  const forVoice: Array<Uint8Array> = []
  const forHum: Array<Uint8Array> = []
  let samplesSeen = 0
  let peak = 0
  let sum = 0
  yield* ffmpeg.run({
    args: [
      ...strictness(file.demuxer),
      ...input(file.path, file.demuxer),
      "-map", "0:a:0", "-flush_packets", "0", ...native, "pipe:3",
      ...excerptsAt(rnnoiseRateHz), "pipe:4",
      ...excerptsAt(humRateHz), "pipe:5"
    ],
    outputs: {
      fd3: pcmFrames(channels, (samples) => {
        noise.push(samples)
        for (let index = 0; index < samples.length; index++) {
          const magnitude = Math.abs(samples[index]!)
          sum += magnitude
          peak = Math.max(peak, magnitude)
        }
        samplesSeen += samples.length
      }),
      fd4: (chunk) => forVoice.push(chunk),
      fd5: (chunk) => forHum.push(chunk)
    }
  })
  if (samplesSeen === 0) return yield* new AudioProcessingError({ message: "The file has no audio in it." })
  if (!Number.isFinite(sum)) return yield* new AudioProcessingError({ message: "The file has samples that are not numbers. Export it again from where it came." })

  const report = noise.finish()
  const heard = yield* listen({ voice: cut(forVoice, starts.length), hum: cut(forHum, starts.length), snrDb: report.snrDb })
  const hum = heard.hum !== undefined && heard.hum.provingLines >= (heard.isSpeech ? minProvingLines.speech : minProvingLines.other) ? heard.hum : undefined
  const withoutHum = hum === undefined ? report : yield* measureWithoutHum(file, hum, native)
  return {
    ...withoutHum,
    frames: samplesSeen / channels,
    durationMs: Math.round((samplesSeen / channels / sampleRateHz) * 1000),
    peakDbfs: peak === 0 ? -120 : 20 * Math.log10(peak),
    isSpeech: heard.isSpeech,
    hum
  }
})

/** So many excerpts that came one behind the other; what came whole is one. */
const cut = (chunks: ReadonlyArray<Uint8Array>, count: number): ReadonlyArray<Float32Array<ArrayBuffer>> => {
  const bytes = Buffer.concat(chunks)
  const samples = new Float32Array(new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 4))).buffer)
  const pieces = Math.max(1, count)
  const length = Math.ceil(samples.length / pieces)
  return Array.from({ length: pieces }, (_, piece) => samples.slice(piece * length, (piece + 1) * length))
}

const listen = (task: ListenTask): Effect.Effect<Listened, AudioProcessingError> =>
  runWorker<Listened>({
    script: new URL("./listen.worker.ts", import.meta.url),
    data: task,
    transfer: [...task.voice, ...task.hum].map(({ buffer }) => buffer)
  }).pipe(Effect.mapError((cause) => new AudioProcessingError({ message: "The recording could not be listened to.", cause })))

const measureWithoutHum = Effect.fnUntraced(function* (file: AudioFile, hum: Hum, native: ReadonlyArray<string>) {
  const ffmpeg = yield* FFmpeg
  const noise = new NoiseMeter(file.sampleRateHz, file.channels)
  yield* ffmpeg.run({
    args: [...strictness(file.demuxer), ...input(file.path, file.demuxer), "-map", "0:a:0", "-flush_packets", "0", "-af", humNotches(hum, file.sampleRateHz), ...native, "pipe:3"],
    outputs: { fd3: pcmFrames(file.channels, (samples) => noise.push(samples)) }
  })
  return noise.finish()
})
