/**
 * Compares the store with its ledger. Neither can hold what the other does not know, whatever crashes, except where
 * files or rows were lost by other hands: a restored backup, a disk, a bucket that somebody cleaned up.
 */
import { Effect, Stream } from "effect"
import type { StorageError } from "../domain/errors.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { Blobs } from "./Blobs.ts"
import { BlobStore } from "./BlobStore.ts"

export type BlobFault =
  /** A file that no row knows. */
  | { readonly _tag: "WithoutRow"; readonly sha256: string }
  /** A row whose file is gone, or has another length. */
  | { readonly _tag: "WithoutFile"; readonly sha256: string; readonly sizeBytes: number; readonly foundBytes: number | null }

export interface CheckedBlobs {
  readonly files: number
  readonly rows: number
  readonly faults: ReadonlyArray<BlobFault>
}

const batchSize = 500

/** Files that no row knows. A row is written before its file is, so one that is on its way is not among them. */
const filesWithoutRow = Effect.fnUntraced(function* () {
  const database = yield* Database
  const store = yield* BlobStore
  let files = 0
  const found: Array<string> = []
  yield* store.list.pipe(
    Stream.grouped(batchSize),
    Stream.runForEach((names) =>
      Effect.gen(function* () {
        files += names.length
        const known = yield* database.query<{ sha256: string }>("checkBlobs.known", "select sha256 from blob where sha256 = any($1)", [names])
        const rows = new Set(known.map(({ sha256 }) => sha256))
        found.push(...names.filter((name) => !rows.has(name)))
      }))
  )
  // What was removed while we looked is gone by now.
  const stillThere = yield* Effect.filter(found, (sha256) => Effect.map(store.stat(sha256), (there) => there !== null))
  return { files, found: stillThere }
})

interface BlobRow {
  readonly sha256: string
  readonly sizeBytes: number
}

/** Rows whose file is not there as they say. What a job or an upload holds and nothing refers to may be about to be written. */
const rowsWithoutFile = Effect.fnUntraced(function* () {
  const database = yield* Database
  const store = yield* BlobStore
  let rows = 0
  let after = ""
  const found: Array<BlobFault> = []
  for (let more = true; more;) {
    const page = yield* database.query<BlobRow & { settled: boolean }>(
      "checkBlobs.rows",
      `select sha256, size_bytes as "sizeBytes",
         not exists (select 1 from job_blob h where h.sha256 = blob.sha256)
         or exists (select 1 from artifact a where a.sha256 = blob.sha256)
         or exists (select 1 from waveform w where w.sha256 = blob.sha256) as settled
       from blob where sha256 > $1 order by sha256 limit ${batchSize}`,
      [after]
    )
    rows += page.length
    after = page.at(-1)?.sha256 ?? after
    more = page.length === batchSize
    for (const { settled, sha256, sizeBytes } of page) {
      const foundBytes = (yield* store.stat(sha256))?.sizeBytes ?? null
      if (settled && foundBytes !== sizeBytes) found.push({ _tag: "WithoutFile", sha256, sizeBytes, foundBytes })
    }
  }
  return { rows, found }
})

export const checkBlobs: Effect.Effect<CheckedBlobs, StorageError, Database | BlobStore> = Effect.gen(function* () {
  const { files, found: strays } = yield* filesWithoutRow()
  const { found: lost, rows } = yield* rowsWithoutFile()
  return { files, rows, faults: [...strays.map((sha256) => ({ _tag: "WithoutRow" as const, sha256 })), ...lost] }
}).pipe(Effect.withSpan("storage.checkBlobs"))

/**
 * What refers to bytes that are lost cannot be served any more: it goes, and a track without its original has failed, so
 * that it can be imported anew. Says how many artifacts went.
 */
const forget = Effect.fnUntraced(function* (tx: Transaction, sha256: string) {
  yield* tx.query(
    `update track set status = 'FAILED', content_hash = null, version = version + 1, updated_at = now()
     where id in (select track_id from artifact where sha256 = $1 and role in ('ORIGINAL', 'GENERATED'))`,
    [sha256]
  )
  yield* tx.query(
    `delete from fingerprint where track_id in (select track_id from artifact where sha256 = $1 and role in ('ORIGINAL', 'GENERATED'))`,
    [sha256]
  )
  const artifacts = yield* tx.query("delete from artifact where sha256 = $1 returning id", [sha256])
  yield* tx.query("delete from waveform where sha256 = $1", [sha256])
  yield* tx.query("delete from upload where sha256 = $1", [sha256])
  yield* tx.query("delete from job_blob where sha256 = $1", [sha256])
  return artifacts.length
})

/** Mends one fault: a stray file goes; of a lost one, the rest goes. Returns how many artifacts went with it. */
export const mendBlob = Effect.fn("storage.mendBlob")(function* (fault: BlobFault): Effect.fn.Return<number, StorageError, Database | BlobStore | Blobs> {
  const database = yield* Database
  const store = yield* BlobStore
  const blobs = yield* Blobs
  const lost = yield* database.transaction((tx) =>
    Effect.gen(function* () {
      if (fault._tag === "WithoutRow") {
        // From here on it is a file like any other that nothing refers to; whoever stores the same bytes meanwhile keeps it.
        yield* tx.query("insert into blob (sha256, size_bytes, created_at) values ($1, 0, now()) on conflict do nothing", [fault.sha256])
        return 0
      }
      const rows = yield* tx.query<BlobRow>(`select sha256, size_bytes as "sizeBytes" from blob where sha256 = $1 for update`, [fault.sha256])
      // It was put in place meanwhile.
      if (rows.length === 0 || (yield* store.stat(fault.sha256))?.sizeBytes === rows[0]?.sizeBytes) return 0
      return yield* forget(tx, fault.sha256)
    })
  )
  yield* blobs.collect([fault.sha256])
  return lost
})
