/** Which of a catalogue's answers is the recording that was asked for. */
import { Option, Schema } from "effect"

const optionalText = Schema.optional(Schema.NullOr(Schema.String))

/** A song as the iTunes Search API describes it ("Understanding Search Results" of its documentation). */
const Song = Schema.Struct({
  trackName: Schema.String,
  artistName: Schema.String,
  collectionName: optionalText,
  primaryGenreName: optionalText,
  releaseDate: optionalText,
  trackNumber: Schema.optional(Schema.NullOr(Schema.Finite)),
  artworkUrl100: optionalText
})
type Song = typeof Song.Type

/** The answer holds things of other kinds too. */
export const SearchAnswer = Schema.Struct({ results: Schema.Array(Schema.Unknown) })

export interface CatalogueEntry {
  readonly album: string | null
  readonly genre: string | null
  readonly year: number | null
  readonly trackNumber: number | null
  readonly coverUrl: string | null
}

/** Without case, accents, punctuation, and what stands in brackets, such as “(Remastered 2009)”. */
const essence = (text: string): string =>
  text
    .replaceAll(/\(.*?\)|\[.*?\]/gu, " ")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll("&", "and")
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim()

const isSame = (one: string, other: string): boolean => essence(one) !== "" && essence(one) === essence(other)

const yearOf = (date: string | null | undefined): number | null => {
  const year = Number(/^(\d{4})-/u.exec(date ?? "")?.[1])
  return year >= 1 ? year : null
}

/** Covers come in any size that the name of the file asks for. */
const largeCover = (address: string | null | undefined): string | null =>
  address === null || address === undefined || !URL.canParse(address) ? null : address.replace(/\/100x100bb\./u, "/600x600bb.")

const entryOf = (song: Song): CatalogueEntry => ({
  album: song.collectionName ?? null,
  genre: song.primaryGenreName ?? null,
  year: yearOf(song.releaseDate),
  trackNumber: typeof song.trackNumber === "number" && Number.isInteger(song.trackNumber) && song.trackNumber >= 1 && song.trackNumber <= 9999 ? song.trackNumber : null,
  coverUrl: largeCover(song.artworkUrl100)
})

const decodeSong = Schema.decodeUnknownOption(Song)

/** The first whose artist and title are those that were asked for; null rather than one that is only alike. */
export const bestMatch = (recording: { readonly artist: string; readonly title: string }, results: ReadonlyArray<unknown>): CatalogueEntry | null => {
  const songs = results.flatMap((result) => Option.toArray(decodeSong(result)))
  const song = songs.find(({ artistName, trackName }) => isSame(artistName, recording.artist) && isSame(trackName, recording.title))
  return song === undefined ? null : entryOf(song)
}
