/** What a file's headers say about its sound. ffmpeg itself is asked, because ffprobe is not everywhere where ffmpeg is. */
import { Effect } from "effect"
import type { AudioProcessingError, TimedOutError, UnsupportedMediaError } from "../domain/errors.ts"
import { FFmpeg } from "./FFmpeg.ts"
import { input } from "./ffmpeg/input.ts"
import type { AudioFormat } from "./formats.ts"
import { unsupported } from "./sniff.ts"

export interface Probe {
  readonly codec: string
  readonly sampleRateHz: number
  readonly channels: number
  /** Of the audio stream; null where the format does not say. */
  readonly bitrateBps: number | null
  /** As declared, or estimated from the bit rate: the truth is in the samples. Null where the header has none. */
  readonly durationMs: number | null
}

const probeTimeoutMs = 30_000

const layouts: { readonly [layout: string]: number } = {
  mono: 1, stereo: 2, "2.1": 3, "3.0": 3, "3.0(back)": 3, "4.0": 4, quad: 4, "quad(side)": 4, "3.1": 4, "5.0": 5, "5.0(side)": 5, "4.1": 5,
  "5.1": 6, "5.1(side)": 6, "6.0": 6, "6.0(front)": 6, hexagonal: 6, "6.1": 7, "6.1(back)": 7, "6.1(front)": 7, "7.0": 7, "7.0(front)": 7,
  "7.1": 8, "7.1(wide)": 8, "7.1(wide-side)": 8, octagonal: 8, downmix: 2, hexadecagonal: 16
}

const channelsOf = (layout: string): number => layouts[layout] ?? Number(/^(\d+) channels/.exec(layout)?.[1] ?? 0)

/** Reads what ffmpeg prints of its input, such as `Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 192 kb/s`. */
export const parseProbe = (stderr: string): Probe | undefined => {
  const stream = /^ *Stream #0:\d+.*?: Audio: (\w+).*?, (\d+) Hz, ([^,\n]+)(.*)$/m.exec(stderr)
  if (stream === null) return undefined
  const [, codec = "", rate = "", layout = "", rest = ""] = stream
  const kbps = /, (\d+) kb\/s/.exec(rest)?.[1]
  const duration = /Duration: (\d+):(\d\d):(\d\d\.\d+)/.exec(stderr)
  const [, hours = "0", minutes = "0", seconds = "0"] = duration ?? []
  return {
    codec,
    sampleRateHz: Number(rate),
    channels: channelsOf(layout.trim()),
    bitrateBps: kbps === undefined ? null : Number(kbps) * 1000,
    durationMs: duration === null ? null : Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000)
  }
}

/** Fails with UnsupportedMediaError when there is no sound in the file, as in a silent film. */
export const probe = Effect.fn("audio.probe")(function* (path: string, format: AudioFormat): Effect.fn.Return<Probe, UnsupportedMediaError | AudioProcessingError | TimedOutError, FFmpeg> {
  const ffmpeg = yield* FFmpeg
  // One packet is copied to nowhere: the headers are read and nothing is decoded.
  const { stderr } = yield* ffmpeg.run({ args: [...input(path, format.demuxer), "-map", "0:a:0?", "-c", "copy", "-frames:a", "1", "-f", "null", "-"], timeoutMs: probeTimeoutMs }).pipe(
    Effect.mapError((failure) =>
      // Without a stream to map ffmpeg has nothing to write and says so.
      /does not contain any stream/.test(String(failure.cause)) ? unsupported(`${format.container} without sound`) : failure)
  )
  const found = parseProbe(stderr)
  if (found === undefined || found.sampleRateHz === 0 || found.channels === 0) return yield* unsupported(`${format.container} without sound`)
  return found
})
