/** What a file says of itself, cleaned: every part optional, none longer than its limit. */

export interface Cover {
  /** By its content: image/jpeg, image/png, image/webp or image/gif. */
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

export const noTags: Tags = {
  title: null,
  artist: null,
  album: null,
  albumArtist: null,
  genres: [],
  year: null,
  trackNumber: null,
  language: null,
  musicBrainzId: null,
  cover: null
}
