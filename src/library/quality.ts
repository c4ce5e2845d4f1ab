import { Effect } from "effect"
import { metadataQuality } from "../audio/tags.ts"
import type { Transaction } from "../persistence/Database.ts"
import { provisionalTitle } from "./provisionalTitle.ts"

interface DescribedTrack {
  readonly title: string
  readonly artist: string | null
  readonly album: string | null
  readonly year: number | null
  readonly genres: ReadonlyArray<string>
  readonly trackNumber: number | null
  readonly musicBrainzId: string | null
  readonly sourceUrl: string | null
  readonly sourceFilename: string | null
  readonly hasCover: boolean
}

/** A title that only repeats the name of the file or address describes nothing. */
const isNamedAfterItsSource = ({ sourceFilename, sourceUrl, title }: DescribedTrack): boolean =>
  sourceUrl !== null && title === provisionalTitle({ _tag: "Url", url: sourceUrl })
  || sourceFilename !== null && title === provisionalTitle({ _tag: "File", path: sourceFilename })

/** Brings a track's metadata quality up to date with how it is described now, in the transaction that describes it. */
export const rateMetadata = Effect.fn("library.rateMetadata")(function* (tx: Transaction, trackId: string) {
  const rows = yield* tx.query<DescribedTrack>(
    `select title, artist, album, year, genres, track_number as "trackNumber", music_brainz_id as "musicBrainzId",
       source_url as "sourceUrl", source_filename as "sourceFilename",
       exists (select 1 from artifact a where a.track_id = track.id and a.role = 'COVER') as "hasCover"
     from track where id = $1`,
    [trackId]
  )
  const track = rows[0]
  if (track === undefined) return
  const quality = metadataQuality({ ...track, title: isNamedAfterItsSource(track) ? null : track.title, cover: track.hasCover ? true : null })
  yield* tx.query("update track set metadata_quality = $2 where id = $1", [trackId, quality])
})
