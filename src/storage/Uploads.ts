/**
 * Files that arrive in pieces, over as many connections as it takes. What is known of an upload is a row; its bytes are a
 * file on the node that receives it, whose length is how far the upload is, until the last one has come. Then they are a
 * blob like any other, held under the upload's id, which is also the id of the job that will import them.
 */
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, RcMap, Schedule, Semaphore } from "effect"
import { ConflictError, NotFoundError, type RateLimitedError, type StorageError } from "../domain/errors.ts"
import type { JobStatus } from "../domain/Job.ts"
import { errorCode, storing } from "../domain/storageFailure.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { Blobs } from "./Blobs.ts"
import { ensureWritable } from "./ensureWritable.ts"
import { hashFile } from "./hashFile.ts"
import { ensureMayBegin, ensureRoom } from "./uploadLimits.ts"

export type UploadMetadata = Readonly<Record<string, string | null>>

export interface Upload {
  readonly id: string
  /** As announced. */
  readonly sizeBytes: number
  /** As the client gave it. */
  readonly metadata: UploadMetadata
  readonly receivedBytes: number
  readonly createdAt: Date
}

export interface NewUpload {
  /** A new uuid. */
  readonly id: string
  readonly sizeBytes: number
  readonly metadata: UploadMetadata
  /** Who begins it: one name, one account. */
  readonly account: string
}

export interface FinishedUpload {
  readonly sha256: string
  readonly sizeBytes: number
  readonly metadata: UploadMetadata
  /** Of the job that imports it, if there is one. */
  readonly jobStatus: JobStatus | null
}

interface Row {
  readonly id: string
  readonly sizeBytes: number
  readonly metadata: UploadMetadata
  readonly sha256: string | null
  readonly createdAt: Date
}

/** How often abandoned uploads are looked for. */
const sweepInterval = "10 minutes"
/** A file whose upload is not known is younger than this when its row is about to be written. */
const orphanAgeMs = 60 * 60 * 1000

const noSuchUpload = (id: string) => new NotFoundError({ message: "There is no such upload: it was never begun, was removed, or has expired.", id })

const alreadyImported = (jobStatus: JobStatus) =>
  new ConflictError({ message: "This upload was imported already. Upload the file again to import it once more.", jobStatus })

const writeAt = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}

/** Null when there is no such file. */
const lengthOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null
    throw error
  }
}

export class Uploads extends Context.Service<Uploads, {
  /** For how long an upload is kept, imported or not, from its beginning. */
  readonly expiryMs: number
  /** A RateLimitedError where the account has too many already, a StorageError where there is no room. */
  readonly create: (upload: NewUpload) => Effect.Effect<Upload, RateLimitedError | StorageError>
  readonly find: (id: string) => Effect.Effect<Upload, NotFoundError | StorageError>
  /**
   * Writes what comes to where the upload stands, as far as it comes: what was written stays when the stream breaks.
   * Returns how far the upload is then. A ConflictError, if it stands elsewhere.
   */
  readonly append: (id: string, offset: number, bytes: AsyncIterable<Uint8Array>) => Effect.Effect<number, NotFoundError | ConflictError | StorageError>
  readonly remove: (id: string) => Effect.Effect<void, NotFoundError | StorageError>
  /** The upload's file, once every byte of it has come. */
  readonly finished: (id: string) => Effect.Effect<FinishedUpload, NotFoundError | ConflictError | StorageError>
  /** Makes sure, in the transaction that submits the job of the upload's id, that there is none yet. */
  readonly claim: (tx: Transaction, id: string) => Effect.Effect<void, NotFoundError | ConflictError>
  /** Removes what has expired, and files that no upload knows. */
  readonly expire: Effect.Effect<void, StorageError>
}>()("playhead/storage/Uploads") {
  static readonly layer = (settings: { readonly directory: string; readonly expiryMs: number; readonly maxUnfinished: number }) =>
    Layer.effect(
      Uploads,
      Effect.gen(function* () {
        const database = yield* Database
        const blobs = yield* Blobs
        const { directory, expiryMs, maxUnfinished } = settings
        yield* ensureWritable(directory)
        const pathOf = (id: string) => join(directory, id)

        /** One at a time for each upload: a connection that broke may still be writing when the next one comes. */
        const locks = yield* RcMap.make({ lookup: (_id: string) => Semaphore.make(1) })
        const alone = (id: string) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
          Effect.scoped(Effect.flatMap(RcMap.get(locks, id), (lock) => lock.withPermits(1)(effect)))

        const findRow = Effect.fnUntraced(function* (id: string) {
          const rows = yield* database.query<Row>(
            "uploads.byId",
            `select id, size_bytes as "sizeBytes", metadata, sha256, created_at as "createdAt" from upload where id = $1`,
            [id]
          )
          return rows[0] ?? (yield* noSuchUpload(id))
        })

        /** Where the bytes of another node are, this one does not know. */
        const receivedOf = Effect.fnUntraced(function* (row: Row) {
          if (row.sha256 !== null) return row.sizeBytes
          return (yield* storing("The upload could not be looked up", () => lengthOf(pathOf(row.id)))) ?? (yield* noSuchUpload(row.id))
        })

        /** What was announced to this node and has not come yet. */
        const outstandingBytes = Effect.gen(function* () {
          const names = yield* storing("The uploads could not be listed", () => readdir(directory))
          const unfinished = yield* database.query<{ id: string; sizeBytes: number }>(
            "uploads.unfinished",
            `select id, size_bytes as "sizeBytes" from upload where sha256 is null and id::text = any($1)`,
            [names]
          )
          const received = yield* storing("The uploads could not be looked up", () => Promise.all(unfinished.map(({ id }) => lengthOf(pathOf(id)))))
          return unfinished.reduce((total, { sizeBytes }, index) => total + Math.max(0, sizeBytes - (received[index] ?? 0)), 0)
        })

        /** One at a time: each counts with the room that the ones before it will take. */
        const creating = yield* Semaphore.make(1)
        const create = Effect.fn("Uploads.create")(({ account, id, metadata, sizeBytes }: NewUpload) =>
          Effect.gen(function* () {
            yield* ensureRoom(directory, sizeBytes, yield* outstandingBytes)
            const now = yield* Clock.currentTimeMillis
            yield* database.transaction((tx) =>
              Effect.gen(function* () {
                yield* ensureMayBegin(tx, account, maxUnfinished)
                yield* storing("The upload could not be begun", async () => (await open(pathOf(id), "w", 0o600)).close())
                yield* tx.query(
                  "insert into upload (id, account, size_bytes, metadata, created_at, expires_at) values ($1, $2, $3, $4::jsonb, $5, $6)",
                  [id, account, sizeBytes, JSON.stringify(metadata), new Date(now), new Date(now + expiryMs)]
                )
              })
            )
            return { id, sizeBytes, metadata, receivedBytes: 0, createdAt: new Date(now) }
          }).pipe(creating.withPermits(1)))

        const find = Effect.fn("Uploads.find")((id: string) =>
          Effect.gen(function* () {
            const row = yield* findRow(id)
            return { id, sizeBytes: row.sizeBytes, metadata: row.metadata, createdAt: row.createdAt, receivedBytes: yield* receivedOf(row) }
          }).pipe(alone(id)))

        /** Makes a blob of the file. The row says so last: until then the file is there, and it is done again. */
        const finish = Effect.fnUntraced(function* (row: Row) {
          const path = pathOf(row.id)
          const sha256 = yield* storing("The upload could not be read", () => hashFile(path))
          yield* blobs.hold(row.id, { path, sha256, sizeBytes: row.sizeBytes })
          yield* database.transaction((tx) => tx.query("update upload set sha256 = $2 where id = $1", [row.id, sha256]))
          return sha256
        })

        /** As far as the bytes come; the position of the first that did not. Never more than was announced. */
        const receive = async (path: string, bytes: AsyncIterable<Uint8Array>, from: number, sizeBytes: number): Promise<number> => {
          const file = await open(path, "r+")
          let at = from
          try {
            for await (const chunk of bytes) {
              const wanted = chunk.subarray(0, sizeBytes - at)
              await writeAt(file, wanted, at)
              at += wanted.length
            }
            return at
          } finally {
            await file.close()
          }
        }

        const append = Effect.fn("Uploads.append")((id: string, offset: number, bytes: AsyncIterable<Uint8Array>) =>
          Effect.gen(function* () {
            const row = yield* findRow(id)
            const received = yield* receivedOf(row)
            if (received !== offset) return yield* new ConflictError({ message: `The upload stands at ${received} bytes, not at ${offset}.` })
            const at = received === row.sizeBytes
              ? received
              : yield* storing("The upload could not be written", () => receive(pathOf(id), bytes, offset, row.sizeBytes))
            if (at === row.sizeBytes && row.sha256 === null) yield* finish(row)
            return at
          }).pipe(alone(id), Effect.uninterruptible))

        const remove = Effect.fn("Uploads.remove")((id: string) =>
          Effect.gen(function* () {
            const isImported = yield* database.transaction((tx) =>
              Effect.gen(function* () {
                const rows = yield* tx.query("delete from upload where id = $1 returning id", [id])
                if (rows.length === 0) return yield* noSuchUpload(id)
                return (yield* tx.query("select id from job where id = $1", [id])).length > 0
              })
            )
            // An import has the bytes to itself.
            if (!isImported) yield* blobs.abandon(id)
            yield* storing("The upload could not be removed", () => rm(pathOf(id), { force: true }))
          }).pipe(alone(id)))

        const finished = Effect.fn("Uploads.finished")((id: string) =>
          Effect.gen(function* () {
            const row = yield* findRow(id)
            const received = yield* receivedOf(row)
            if (received < row.sizeBytes) {
              return yield* new ConflictError({ message: `The upload is not finished: ${received} of ${row.sizeBytes} bytes have come. Send the rest first.` })
            }
            const jobs = yield* database.query<{ status: JobStatus }>("uploads.job", "select status from job where id = $1", [id])
            // A crash may have come between the last byte and what is done then.
            const sha256 = row.sha256 ?? (yield* finish(row))
            return { sha256, sizeBytes: row.sizeBytes, metadata: row.metadata, jobStatus: jobs[0]?.status ?? null }
          }).pipe(alone(id)))

        const claim = Effect.fn("Uploads.claim")(function* (tx: Transaction, id: string) {
          const rows = yield* tx.query("select id from upload where id = $1 for update", [id])
          if (rows.length === 0) return yield* noSuchUpload(id)
          const [job] = yield* tx.query<{ status: JobStatus }>("select status from job where id = $1", [id])
          if (job !== undefined) return yield* alreadyImported(job.status)
        })

        const expire = Effect.fn("Uploads.expire")(function* () {
          const now = yield* Clock.currentTimeMillis
          const expired = yield* database.query<{ id: string }>("uploads.expired", "select id from upload where expires_at <= $1", [new Date(now)])
          yield* Effect.forEach(expired, ({ id }) => Effect.catchTag(remove(id), "NotFoundError", () => Effect.void), { discard: true })
          const names = yield* storing("The uploads could not be listed", () => readdir(directory))
          const known = yield* database.query<{ id: string }>("uploads.known", "select id from upload where id::text = any($1)", [names])
          const unknown = names.filter((name) => !known.some(({ id }) => id === name))
          yield* storing("An abandoned upload could not be removed", async () => {
            for (const name of unknown) {
              const { mtimeMs } = await stat(pathOf(name))
              if (now - mtimeMs > orphanAgeMs) await rm(pathOf(name), { force: true })
            }
          })
        })()

        yield* expire.pipe(
          Effect.catchCause((cause) => Effect.logWarning("Looking for abandoned uploads failed; it will be tried again", cause)),
          Effect.repeat(Schedule.spaced(sweepInterval)),
          Effect.forkScoped
        )
        return Uploads.of({ expiryMs, create, find, append, remove, finished, claim, expire })
      })
    )
}
