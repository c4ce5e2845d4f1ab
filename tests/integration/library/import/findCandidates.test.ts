import { describe, expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { findCandidates } from "../../../../src/library/import/fingerprint.ts"
import { Database, type Transaction } from "../../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../../support/database.ts"

const idOf = (number: number) => `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`
const songTerms = Array.from({ length: 1000 }, (_, at) => Math.imul(at + 1, 2_654_435_761))

const insert = (
  tx: Transaction,
  track: { number: number; terms: ReadonlyArray<number>; status?: string; confirmed?: boolean }
) =>
  Effect.gen(function* () {
    yield* tx.query(
      "insert into track (id, title, status, source_kind, created_at, updated_at) values ($1, $2, $3, 'UPLOAD', now(), now())",
      [idOf(track.number), `Track ${track.number}`, track.status ?? "READY"]
    )
    yield* tx.query(
      "insert into fingerprint (track_id, duration_ms, hashes, terms, confirmed) values ($1, 1, $2, $2, $3)",
      [idOf(track.number), track.terms, track.confirmed ?? true]
    )
  })

/** A library in which every term is in a track or two, as measured. */
const others = 800
const fillLibrary = Effect.fnUntraced(function* (tx: Transaction) {
  yield* tx.query(
    `insert into track (id, title, status, source_kind, created_at, updated_at)
     select ('10000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'Other ' || i, 'READY', 'UPLOAD', now(), now() from generate_series(1, ${others}) i`
  )
  yield* tx.query(
    `insert into fingerprint (track_id, duration_ms, hashes, terms, confirmed)
     select id, 1, '{}', array(select (random() * 4294967295 - 2147483648)::bigint::int from generate_series(1, 200) where title is not null), true
     from track where title like 'Other %'`
  )
})

describe.each(engines)("candidates for a duplicate on %s", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 120_000 })((it) => {
    it.effect("are the tracks that share most terms, without failed ones, the unconfirmed and the track itself", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const found = yield* database.transaction((tx) =>
          Effect.gen(function* () {
            yield* fillLibrary(tx)
            yield* insert(tx, { number: 1, terms: songTerms.slice(0, 60) })
            yield* insert(tx, { number: 2, terms: songTerms })
            yield* insert(tx, { number: 3, terms: [...songTerms.slice(0, 1), 7, 8, 9] })
            yield* insert(tx, { number: 4, terms: songTerms, status: "FAILED" })
            yield* insert(tx, { number: 5, terms: songTerms, confirmed: false })
            yield* insert(tx, { number: 6, terms: songTerms })
            return yield* findCandidates(tx, songTerms, idOf(6))
          })
        )
        expect(found.map(({ title }) => title)).toEqual(["Track 2", "Track 1"])
        expect(found[0]?.hashes).toEqual(songTerms)
      })
    )

    it.effect("are looked up in the index, and not by reading the library", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const plan = yield* database.transaction((tx) =>
          Effect.gen(function* () {
            yield* tx.query("analyze fingerprint")
            yield* tx.query("analyze track")
            const explaining: Transaction = {
              ...tx,
              query: (sql, params) => tx.query(`explain ${sql}`, params)
            }
            const lines: ReadonlyArray<object> = yield* findCandidates(explaining, songTerms, null)
            return lines.map((line) => Object.values(line).join(" ")).join("\n")
          })
        )
        expect(plan).toContain("Bitmap Index Scan on fingerprint_terms_index")
      })
    )
  })
})
