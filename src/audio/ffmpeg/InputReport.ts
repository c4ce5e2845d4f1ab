/**
 * What ffmpeg prints of its one input, line by line:
 *
 *     Input #0, mp3, from 'file:x':
 *       Duration: 00:10:00.03, start: 0.025057, bitrate: 192 kb/s
 *       Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 192 kb/s
 *     [Parsed_ashowinfo_0 @ 0x7f85] n:0 pts:0 pts_time:0 fmt:fltp channels:2 chlayout:stereo rate:44100 nb_samples:1105 …
 *
 * Tags stand between these lines, further indented, and may hold anything: so the indentation counts, and the number of
 * channels is taken from the samples, because layouts have names without number.
 */
export class InputReport {
  /** ffmpeg's name of the first audio stream's codec. */
  codec: string | undefined
  samples: { readonly rateHz: number; readonly channels: number; readonly format: string } | undefined
  durationMs: number | null = null
  #streamBps: number | null = null
  #wholeBps: number | null = null
  #isRead = false
  #hasOtherStreams = false
  #isOutput = false

  /** Of the first audio stream; the whole file's where that is all it holds. */
  get bitrateBps(): number | null {
    return this.#streamBps ?? (this.#hasOtherStreams ? null : this.#wholeBps)
  }

  /** Whether the headers could be read and name no audio. */
  get isWithoutAudio(): boolean {
    return this.#isRead && this.codec === undefined
  }

  push(line: string): void {
    if (line.startsWith("Input #0,")) this.#isRead = true
    if (line.startsWith("Output #0,")) this.#isOutput = true
    if (line.startsWith("[Parsed_ashowinfo_")) this.#readSamples(line)
    else if (this.#isRead && !this.#isOutput) this.#readHeader(line)
  }

  #readHeader(line: string): void {
    const duration = /^ {2}Duration: (?:(\d+):(\d\d):(\d\d\.\d+)|N\/A)/u.exec(line)
    if (duration !== null) {
      const [, hours, minutes = "0", seconds = "0"] = duration
      if (hours !== undefined) this.durationMs = Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000)
      this.#wholeBps = bitrate(line)
      return
    }
    const stream = /^ {2}Stream #0:\d+[^ ]*: (\w+): (\w+)/u.exec(line)
    if (stream === null) return
    const [, kind, codec] = stream
    if (kind === "Audio" && this.codec === undefined) {
      this.codec = codec
      this.#streamBps = bitrate(line)
    } else {
      this.#hasOtherStreams = true
    }
  }

  #readSamples(line: string): void {
    const found = /\bfmt:(\w+) channels:(\d+) .*\brate:(\d+)\b/u.exec(line)
    if (found !== null) this.samples ??= { format: found[1] ?? "", channels: Number(found[2]), rateHz: Number(found[3]) }
  }
}

const bitrate = (line: string): number | null => {
  const kbps = /(?:, |bitrate: )(\d+) kb\/s/u.exec(line)?.[1]
  return kbps === undefined || Number(kbps) === 0 ? null : Number(kbps) * 1000
}
