/**
 * The arguments that open a file for reading. The demuxer is forced to what the content was found to be, because ffmpeg
 * would follow a playlist that is called `.mp3`, and no protocol but local files and pipes is spoken.
 */
export const input = (path: string, demuxer: string): ReadonlyArray<string> => [
  "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i", `file:${path}`
]
