/**
 * The ledger of stored files. Every blob has a row, written before its file is put in place, and stays as long as an
 * artifact, a waveform or an unfinished job refers to it; so neither a file without a row nor a row without an owner
 * outlives a crash by more than the next sweep.
 */
import { Context, Effect, Layer } from "effect"
import type { StorageError } from "../domain/errors.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { BlobStore } from "./BlobStore.ts"

const unreferenced = `
  not exists (select 1 from artifact a where a.sha256 = blob.sha256)
  and not exists (select 1 from waveform w where w.sha256 = blob.sha256)
  and not exists (select 1 from job_blob h where h.sha256 = blob.sha256)`

/** A hold without an unfinished job or an upload is one whose submission is under way, for so long, or came to nothing. */
const abandonedAfter = "interval '1 hour'"
/** A failed job that may be tried again keeps its files for so long. */
const retryWindow = "interval '1 day'"

export interface StoredFile {
  /** Consumed: it is moved into the store. */
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
}

export class Blobs extends Context.Service<Blobs, {
  /**
   * Stores a file and lets the job hold it until it ends; by then something else refers to it, or it goes. The job may
   * be one that is about to be submitted.
   */
  readonly hold: (jobId: string, file: StoredFile) => Effect.Effect<void, StorageError>
  /** Lets another job hold blobs that are stored already, in the caller's transaction. Whether all of them still are. */
  readonly share: (tx: Transaction, jobId: string, sha256s: ReadonlyArray<string>) => Effect.Effect<boolean>
  /** Ends the job's hold in the transaction that ends the job; what nobody else refers to is removed after the commit. */
  readonly release: (tx: Transaction, jobId: string) => Effect.Effect<void>
  /** As `release`, for a job that was not submitted after all. */
  readonly abandon: (jobId: string) => Effect.Effect<void>
  /** Removes those of the blobs that nothing refers to. */
  readonly collect: (sha256s: ReadonlyArray<string>) => Effect.Effect<void>
  /** Removes every blob that nothing refers to, as a crash between a commit and its cleaning-up leaves them. Returns how many. */
  readonly sweep: Effect.Effect<number>
}>()("playhead/storage/Blobs") {
  static readonly layer = Layer.effect(
    Blobs,
    Effect.gen(function*() {
      const database = yield* Database
      const store = yield* BlobStore

      const hold = Effect.fn("Blobs.hold")(function*(jobId: string, file: StoredFile) {
        yield* database.transaction((tx) =>
          tx.query(
            `with stored as (insert into blob (sha256, size_bytes, created_at) values ($2, $3, now()) on conflict (sha256) do update set size_bytes = excluded.size_bytes)
             insert into job_blob (job_id, sha256, created_at) values ($1, $2, now()) on conflict do nothing`,
            [jobId, file.sha256, file.sizeBytes]
          )
        )
        yield* store.put(file.path, file.sha256)
      })

      // The row's lock is held until the file is gone: whoever stores the same bytes meanwhile waits, and puts them back.
      const remove = Effect.fn("Blobs.remove")(function*(sha256: string) {
        return yield* database.transaction((tx) =>
          Effect.gen(function*() {
            const rows = yield* tx.query(`delete from blob where sha256 = $1 and ${unreferenced} returning sha256`, [sha256])
            if (rows.length > 0) yield* store.remove(sha256)
            return rows.length
          })
        ).pipe(
          Effect.catchTag("StorageError", (failure) => Effect.as(Effect.logWarning("A blob could not be removed; the next sweep tries again", failure), 0))
        )
      })

      const collect = Effect.fn("Blobs.collect")((sha256s: ReadonlyArray<string>) => Effect.forEach(sha256s, remove, { discard: true }))

      const release = Effect.fn("Blobs.release")(function*(tx: Transaction, jobId: string) {
        const held = yield* tx.query<{ sha256: string }>("delete from job_blob where job_id = $1 returning sha256", [jobId])
        if (held.length > 0) yield* tx.afterCommit(collect(held.map((row) => row.sha256)))
      })

      const share = Effect.fn("Blobs.share")(function*(tx: Transaction, jobId: string, sha256s: ReadonlyArray<string>) {
        // Locked: nobody removes them before the transaction has made them this job's.
        const present = yield* tx.query<{ sha256: string }>("select sha256 from blob where sha256 = any($1) for share", [sha256s])
        if (present.length < new Set(sha256s).size) return false
        yield* tx.query(
          "insert into job_blob (job_id, sha256, created_at) select $1, s.sha256, now() from unnest($2::text[]) as s (sha256) on conflict do nothing",
          [jobId, sha256s]
        )
        return true
      })

      return Blobs.of({
        hold,
        share,
        collect,
        release,
        abandon: (jobId) => database.transaction((tx) => release(tx, jobId)),
        sweep: Effect.gen(function*() {
          yield* database.query(
            "blobs.abandoned",
            `delete from job_blob h where created_at < now() - ${abandonedAfter}
               and not exists (select 1 from upload u where u.id = h.job_id)
               and not exists (
                 select 1 from job j where j.id = h.job_id
                   and (j.status not in ('SUCCEEDED', 'FAILED', 'CANCELLED') or j.status = 'FAILED' and j.finished_at > now() - ${retryWindow})
               )`
          )
          const rows = yield* database.query<{ sha256: string }>("blobs.unreferenced", `select sha256 from blob where ${unreferenced}`)
          const removed = yield* Effect.forEach(rows, (row) => remove(row.sha256))
          return removed.reduce((sum, count) => sum + count, 0)
        }).pipe(Effect.withSpan("Blobs.sweep"))
      })
    })
  )
}
