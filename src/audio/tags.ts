/** What a file says of itself. Written by anybody with any program: everything is cleaned, cut to size and optional. */
import { Cause, Effect } from "effect"
import type { IAudioMetadata, IPicture } from "music-metadata"
import { parseFile, selectCover } from "music-metadata"

export interface Cover {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export interface Tags {
  readonly title: string | null
  readonly artist: string | null
  readonly album: string | null
  readonly albumArtist: string | null
  readonly genres: ReadonlyArray<string>
  readonly year: number | null
  readonly trackNumber: number | null
  /** ISO 639, as the tag has it. */
  readonly language: string | null
  /** Of the recording. */
  readonly musicBrainzId: string | null
  readonly cover: Cover | null
}

const noTags: Tags = { title: null, artist: null, album: null, albumArtist: null, genres: [], year: null, trackNumber: null, language: null, musicBrainzId: null, cover: null }

const maxTextLength = 200
const maxGenres = 20
const maxGenreLength = 50
const maxCoverBytes = 10 * 1024 * 1024
const timeLimit = "5 seconds"

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

/** One line of well-formed text in Unicode's composed form, cut between characters as people see them; null when nothing is left. */
export const cleanText = (text: string | undefined, maxLength = maxTextLength): string | null => {
  if (text === undefined) return null
  const line = text
    // Megabytes of title are not worth normalising.
    .slice(0, maxLength * 20)
    .toWellFormed()
    .normalize("NFC")
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
  if (line.length <= maxLength) return line === "" ? null : line
  let cut = ""
  for (const { segment } of graphemes.segment(line)) {
    if (cut.length + segment.length > maxLength) break
    cut += segment
  }
  return cut.trim()
}

const signatures: ReadonlyArray<readonly [mediaType: string, pattern: RegExp]> = [
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBP/]
]

const coverOf = (pictures: Array<IPicture> | undefined): Cover | null => {
  const picture = selectCover(pictures)
  if (picture === null || picture.data.length > maxCoverBytes) return null
  const start = Buffer.from(picture.data.subarray(0, 16)).toString("latin1")
  const mediaType = signatures.find(([, pattern]) => pattern.test(start))?.[0]
  return mediaType === undefined ? null : { mediaType, bytes: picture.data }
}

const positive = (value: number | null | undefined, max: number): number | null =>
  value !== null && value !== undefined && Number.isInteger(value) && value >= 1 && value <= max ? value : null

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const fromMetadata = ({ common }: IAudioMetadata): Tags => {
  const genres = (common.genre ?? []).slice(0, maxGenres).map((genre) => cleanText(genre, maxGenreLength)).filter((genre) => genre !== null)
  const recordingId = common.musicbrainz_recordingid
  return {
    title: cleanText(common.title),
    artist: cleanText(common.artist),
    album: cleanText(common.album),
    albumArtist: cleanText(common.albumartist),
    genres: [...new Set(genres)],
    year: positive(common.year, 9999),
    trackNumber: positive(common.track.no, 9999),
    language: cleanText(common.language, 20),
    musicBrainzId: recordingId !== undefined && uuid.test(recordingId) ? recordingId.toLowerCase() : null,
    cover: coverOf(common.picture)
  }
}

/** Never fails: a file whose tags cannot be read in time has none, and the log says why. */
export const readTags = (path: string): Effect.Effect<Tags> =>
  Effect.tryPromise(() => parseFile(path, { duration: false, skipPostHeaders: false })).pipe(
    Effect.timeout(timeLimit),
    Effect.map(fromMetadata),
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause) ? Effect.failCause(cause as Cause.Cause<never>) : Effect.as(Effect.logInfo("The tags could not be read; the file is taken to have none", cause), noTags)),
    Effect.withSpan("audio.readTags")
  )

/** How much each part of the description adds; they sum to 1. */
const qualityWeights = { title: 0.25, artist: 0.25, album: 0.15, year: 0.1, genres: 0.05, trackNumber: 0.05, cover: 0.1, musicBrainzId: 0.05 } as const

/** How well a track is described, 0 to 1: the sum of the weights of what is there. */
export const metadataQuality = (tags: { readonly [Part in keyof typeof qualityWeights]: unknown }): number => {
  const present = (value: unknown): boolean => Array.isArray(value) ? value.length > 0 : value !== null
  const parts = Object.entries(qualityWeights).filter(([part]) => present(tags[part as keyof typeof qualityWeights]))
  return Math.round(parts.reduce((sum, [, weight]) => sum + weight, 0) * 100) / 100
}
