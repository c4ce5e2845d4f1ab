import { Effect } from "effect"
import type { Database } from "../persistence/Database.ts"

interface Described {
  readonly title: string
  readonly artist: string | null
  readonly album: string | null
  readonly album_artist: string | null
  readonly date: string | null
  readonly track: string | null
  readonly genre: string | null
}

/** What the library knows of a track, under ffmpeg's names, to be written into files made of it. */
export const tagsOf = Effect.fnUntraced(function* (database: Database["Service"], trackId: string | null) {
  const [track] = yield* database.query<Described>(
    "conversion.tags",
    `select title, artist, album, album_artist, year::text as date, track_number::text as track, nullif(array_to_string(genres, '; '), '') as genre from track where id = $1`,
    [trackId]
  )
  return Object.fromEntries(Object.entries(track ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"))
})
