import { Effect, Schema } from "effect"
import { sameRecording } from "../../audio/fingerprint/similarity.ts"
import { queryTerms } from "../../audio/fingerprint/terms.ts"
import { DuplicateTrackError } from "../../domain/errors.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { Transaction } from "../../persistence/Database.ts"
import type { ImportOptions } from "./ImportOptions.ts"

interface Candidate {
  readonly id: string
  readonly title: string
  readonly hashes: ReadonlyArray<number>
}

/** How many of the tracks that share most terms are compared bit by bit. */
const maxCandidates = 10
/** Fewer shared terms than this are chance. */
const minSharedTerms = 3

/**
 * Tracks that share index terms, most first. `terms && …` is answered by the GIN index: what is read grows with the
 * number of tracks that share a term, not with the library.
 */
export const findCandidates = (tx: Transaction, hashes: ReadonlyArray<number>, exceptTrackId: string | null) =>
  tx.query<Candidate>(
    `select t.id, t.title, f.hashes
     from fingerprint f
     join track t on t.id = f.track_id
     cross join lateral (select count(*) as shared from unnest(f.terms) as term where term = any($1::int[])) as common
     where f.terms && $1::int[] and f.confirmed and t.status <> 'FAILED' and f.track_id is distinct from $2 and common.shared >= ${minSharedTerms}
     order by common.shared desc limit ${maxCandidates}`,
    [queryTerms(hashes), exceptTrackId]
  )

/** Refuses a recording that the library has already, in whatever encoding or cut. */
export const compareFingerprint = (): StageDefinition<ImportOptions, null> => ({
  name: "FINGERPRINT",
  weight: 1,
  output: Schema.Null,
  run: ({ options, trackId }) => {
    const commit = Effect.fnUntraced(function* (tx: Transaction) {
      const own = yield* tx.query<{ hashes: ReadonlyArray<number> }>("select hashes from fingerprint where track_id = $1", [trackId])
      const hashes = own[0]?.hashes ?? []
      if (!options.allowDuplicate && hashes.length > 0) {
        // One comparison at a time, or two encodings of one song that arrive together would each not see the other.
        yield* tx.query("select pg_advisory_xact_lock(hashtextextended('fingerprint', 0))")
        for (const candidate of yield* findCandidates(tx, hashes, trackId)) {
          const same = sameRecording(candidate.hashes, hashes)
          if (same === undefined) continue
          return yield* new DuplicateTrackError({
            message: `The library has this recording already, as “${candidate.title}” (${(same.similarity * 100).toFixed(1)} % alike). Pass allowDuplicate to import it all the same.`,
            trackId: candidate.id,
            similarity: same.similarity
          })
        }
      }
      yield* tx.query("update fingerprint set confirmed = true where track_id = $1", [trackId])
    })
    return Effect.succeed({ output: null, commit })
  }
})
