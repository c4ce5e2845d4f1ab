/** Tags are written by anybody with any program: each is cleaned, cut to size or dropped. */
import { isUtf8 } from "node:buffer"
import type { ICommonTagsResult, IPicture } from "music-metadata"
import { selectCover } from "music-metadata"
import type { Cover, Tags } from "./Tags.ts"

const maxTextLength = 200
const maxGenres = 20
const maxGenreLength = 50
const maxLanguageLength = 20
const maxNumber = 9999
const maxCoverBytes = 10 * 1024 * 1024

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

/** Invisible and with no place in a title: byte-order marks, zero-width spaces, and what turns the text around it. */
const invisible = /[\u00AD\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu

/**
 * RIFF and old ID3 tags do not say their encoding and are read as Latin-1, though most programs write UTF-8. Latin-1 that
 * is valid UTF-8 beyond ASCII by chance does not happen in words.
 */
const decoded = (text: string): string => {
  const bytes = Buffer.from(text, "latin1")
  const isLatin1 = bytes.toString("latin1") === text
  return isLatin1 && isUtf8(bytes) ? bytes.toString("utf8") : text
}

/**
 * One line of well-formed text in Unicode's composed form (NFC), of at most `maxLength` UTF-16 units, cut between
 * characters as people see them; null when nothing is left.
 */
export const cleanText = (text: string | undefined, maxLength = maxTextLength): string | null => {
  if (text === undefined) return null
  // Megabytes of title are not worth normalising.
  const line = decoded(text.slice(0, maxLength * 20))
    .toWellFormed()
    .replaceAll(invisible, "")
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .normalize("NFC")
    .trim()
  if (line === "") return null
  if (line.length <= maxLength) return line
  let cut = ""
  for (const { segment } of graphemes.segment(line)) {
    if (cut.length + segment.length > maxLength) break
    cut += segment
  }
  // A single character can be longer, with enough accents heaped on it: nobody can read that.
  return cut.trim() || null
}

/** The first bytes in hexadecimal. */
const signatures: ReadonlyArray<readonly [mediaType: string, pattern: RegExp]> = [
  ["image/jpeg", /^ffd8ff/u],
  ["image/png", /^89504e470d0a1a0a/u],
  ["image/gif", /^47494638(?:37|39)61/u],
  ["image/webp", /^52494646.{8}57454250/u]
]

/** What a picture is by its content; undefined for all that is no picture for a browser. */
export const imageMediaType = (bytes: Uint8Array): string | undefined => {
  const start = Buffer.from(bytes.subarray(0, 16)).toString("hex")
  return signatures.find(([, pattern]) => pattern.test(start))?.[0]
}

const coverOf = (pictures: Array<IPicture> | undefined): Cover | null => {
  const picture = selectCover(pictures)
  if (picture === null || picture.data.length > maxCoverBytes) return null
  const mediaType = imageMediaType(picture.data)
  return mediaType === undefined ? null : { mediaType, bytes: picture.data }
}

const plausible = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isInteger(value) && value >= 1 && value <= maxNumber ? value : null

const genresOf = (genres: ReadonlyArray<string>): ReadonlyArray<string> => {
  const bySpelling = new Map<string, string>()
  for (const genre of genres) {
    const cleaned = cleanText(genre, maxGenreLength)
    if (cleaned !== null && !bySpelling.has(cleaned.toLowerCase())) bySpelling.set(cleaned.toLowerCase(), cleaned)
    if (bySpelling.size === maxGenres) break
  }
  return [...bySpelling.values()]
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu

export const cleanTags = (common: ICommonTagsResult): Tags => ({
  title: cleanText(common.title),
  artist: cleanText(common.artist),
  album: cleanText(common.album),
  albumArtist: cleanText(common.albumartist),
  genres: genresOf(common.genre ?? []),
  year: plausible(common.year),
  trackNumber: plausible(common.track.no),
  language: cleanText(common.language, maxLanguageLength),
  musicBrainzId: uuid.test(common.musicbrainz_recordingid ?? "") ? (common.musicbrainz_recordingid ?? "").toLowerCase() : null,
  cover: coverOf(common.picture)
})
