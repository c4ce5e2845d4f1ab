/** The demuxers that content is sniffed to; each is forced, so that ffmpeg never chooses one (a playlist's, for example) by itself. */
export const demuxers = ["mp3", "flac", "wav", "w64", "aiff", "ogg", "mov", "aac", "matroska", "asf", "caf", "amr"] as const
export type Demuxer = (typeof demuxers)[number]

/** What must stand before every `-i`: an input may reach local files and pipes, and nothing on the network. */
const guard = ["-protocol_whitelist", "file,pipe"] as const

/** The arguments that read a file as what its content was found to be. Options of the input go before these. */
export const input = (path: string, demuxer: Demuxer): ReadonlyArray<string> => [...guard, "-f", demuxer, "-i", `file:${path}`]

/** The arguments that read headerless samples, such as `pcmInput("/tmp/x", "f32le", 44_100, 2)`. */
export const pcmInput = (path: string, format: "s16le" | "f32le", sampleRateHz: number, channels: number): ReadonlyArray<string> => [
  ...guard, "-f", format, "-ar", String(sampleRateHz), "-ac", String(channels), "-i", `file:${path}`
]

/** The arguments that generate a signal, such as `generated("anullsrc")`. The graph must not hold what a client sent. */
export const generated = (graph: string): ReadonlyArray<string> => [...guard, "-f", "lavfi", "-i", graph]

/** Whether each `-i` has the guard among the options that belong to it. */
export const areInputsGuarded = (args: ReadonlyArray<string>): boolean => {
  let guarded = false
  for (const [index, arg] of args.entries()) {
    if (arg === guard[0] && args[index + 1] === guard[1]) guarded = true
    if (arg === "-i") {
      if (!guarded) return false
      guarded = false
    }
  }
  return true
}
