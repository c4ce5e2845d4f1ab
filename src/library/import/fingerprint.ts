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
/** One shared term is chance; the worst cuts that were measured share four (docs/fingerprints.md). */
const minSharedTerms = 2

/**
 * Tracks that share index terms, most first. Each term is looked up in the GIN index by itself, and so counted at once.
 * `terms && $1` with all of them would do in theory; in practice PostgreSQL thinks that hundreds of terms match most of
 * the table and reads it from end to end (measured with 20 000 tracks: 105 s instead of 40 ms). `offset 0` keeps it from reading the table once for all terms.
 */
export const findCandidates = (tx: Transaction, hashes: ReadonlyArray<number>, exceptTrackId: string | null) =>
  tx.query<Candidate>(
    `select t.id, t.title, f.hashes
     from (
       select sharing.track_id, count(*) as shared
       from unnest($1::int[]) as wanted (term)
       cross join lateral (
         select f.track_id from fingerprint f
         where f.terms @> array[wanted.term] and f.confirmed and f.track_id is distinct from $2
         offset 0
       ) as sharing
       group by sharing.track_id
       having count(*) >= ${minSharedTerms}
       order by shared desc
       limit ${maxCandidates * 5}
     ) as found
     join track t on t.id = found.track_id
     join fingerprint f on f.track_id = t.id
     where t.status <> 'FAILED'
     order by found.shared desc
     limit ${maxCandidates}`,
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
