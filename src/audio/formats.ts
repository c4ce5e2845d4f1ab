/** The containers that can be imported, by what their bytes say. */
import type { Demuxer } from "./ffmpeg/input.ts"

export interface AudioFormat {
  /** As people call it. */
  readonly container: string
  /** ffmpeg's name for what reads it; forced, so that nothing else can be made of the bytes. */
  readonly demuxer: Demuxer
  readonly mediaType: string
  readonly extension: string
}

const format = (container: string, demuxer: Demuxer, mediaType: string, extension: string): AudioFormat => ({ container, demuxer, mediaType, extension })

const mp4 = format("MP4", "mov", "audio/mp4", "m4a")
const ogg = format("Ogg", "ogg", "audio/ogg", "ogg")

export const mp3 = format("MP3", "mp3", "audio/mpeg", "mp3")
export const adts = format("AAC", "aac", "audio/aac", "aac")
export const wav = format("WAV", "wav", "audio/wav", "wav")
export const wave64 = format("Wave64", "w64", "audio/x-w64", "w64")

/** Keyed by the extension under which the detector of file types reports a content. */
export const formatsByExtension: { readonly [extension: string]: AudioFormat } = {
  mp3,
  flac: format("FLAC", "flac", "audio/flac", "flac"),
  wav,
  aif: format("AIFF", "aiff", "audio/aiff", "aiff"),
  ogg,
  oga: ogg,
  opus: format("Ogg", "ogg", "audio/ogg", "opus"),
  spx: ogg,
  ogv: format("Ogg", "ogg", "video/ogg", "ogv"),
  m4a: mp4,
  m4b: mp4,
  f4a: mp4,
  f4b: mp4,
  mp4: format("MP4", "mov", "video/mp4", "mp4"),
  m4v: format("MP4", "mov", "video/mp4", "m4v"),
  "3gp": format("3GP", "mov", "audio/3gpp", "3gp"),
  "3g2": format("3GP", "mov", "audio/3gpp2", "3g2"),
  mov: format("QuickTime", "mov", "video/quicktime", "mov"),
  aac: adts,
  webm: format("WebM", "matroska", "audio/webm", "webm"),
  mkv: format("Matroska", "matroska", "audio/x-matroska", "mka"),
  asf: format("ASF", "asf", "audio/x-ms-wma", "wma"),
  caf: format("CAF", "caf", "audio/x-caf", "caf"),
  amr: format("AMR", "amr", "audio/amr", "amr")
}

/** For the message that refuses everything else. */
export const supportedContainers: ReadonlyArray<string> = [...new Set(Object.values(formatsByExtension).map(({ container }) => container)), wave64.container].toSorted()
