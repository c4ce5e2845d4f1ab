import { Effect } from "effect"
import type { AudioProcessingError, TimedOutError } from "../../domain/errors.ts"
import { strictness } from "../analysis/completeness.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { type Demuxer, input } from "../ffmpeg/input.ts"
import type { ChosenEncoding } from "./chooseEncoding.ts"

export interface EncodeRequest {
  readonly fromPath: string
  readonly demuxer: Demuxer
  readonly toPath: string
  readonly encoding: ChosenEncoding
  /** Of the source; for lossless formats. */
  readonly bitDepth: 16 | 24
  /** The part to keep, in samples of the source, the end exclusive; all of it unless given. */
  readonly part?: { readonly startSample: number; readonly endSample: number }
  /** What is written into the file, such as `title`; nothing else is. */
  readonly tags: Readonly<Record<string, string>>
  readonly onProgress: (encodedMs: number) => void
}

/** ffmpeg's `-progress` is lines of `key=value`; chunks may end anywhere. */
const progressReader = (onProgress: (encodedMs: number) => void) => {
  let rest = ""
  return (chunk: Uint8Array): void => {
    const lines = (rest + Buffer.from(chunk).toString("latin1")).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const encodedUs = /^out_time_us=(\d+)/u.exec(line)?.[1]
      if (encodedUs !== undefined) onProgress(Number(encodedUs) / 1000)
    }
  }
}

const layouts: Readonly<Record<number, string>> = { 1: "mono", 2: "stereo" }

/** Writes the first audio stream of a file to another one. Fails when the source is damaged. */
export const encode = Effect.fn("audio.encode")(function* (request: EncodeRequest): Effect.fn.Return<void, AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  const { demuxer, encoding: { bitrateKbps, channels, encoding, sampleRateHz }, part } = request
  const layout = layouts[channels]
  const filters = [
    // Counted by samples and not by time stamps, as whoever chose the part has counted them.
    ...(part === undefined ? [] : ["asetpts=N/SR/TB", `atrim=start_sample=${part.startSample}:end_sample=${part.endSample}`, "asetpts=N/SR/TB"]),
    // Not a bare aresample, with which ffmpeg 5.1 does not agree about rates.
    `aformat=sample_rates=${sampleRateHz}${layout === undefined ? "" : `:channel_layouts=${layout}`}`
  ]
  yield* ffmpeg.run({
    args: [
      ...strictness(demuxer),
      ...input(request.fromPath, demuxer),
      "-map", "0:a:0", "-map_metadata", "-1", "-map_chapters", "-1",
      ...Object.entries(request.tags).flatMap(([key, value]) => ["-metadata", `${key}=${value}`]),
      "-af", filters.join(","),
      ...(bitrateKbps === null ? [] : ["-b:a", `${bitrateKbps}k`]),
      ...encoding.args(request.bitDepth),
      "-progress", "pipe:3",
      `file:${request.toPath}`
    ],
    outputs: { fd3: progressReader(request.onProgress) }
  })
})
