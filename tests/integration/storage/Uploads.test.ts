import { createHash, randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { readdir, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/persistence/Database.ts"
import { Blobs } from "../../../src/storage/Blobs.ts"
import { BlobStore } from "../../../src/storage/BlobStore.ts"
import { localBlobStore } from "../../../src/storage/localBlobStore.ts"
import { Uploads } from "../../../src/storage/Uploads.ts"
import { testDatabase } from "../../support/database.ts"
import { smallDisk } from "../../support/smallDisk.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const dayMs = 86_400_000
const id = "00000000-0000-7000-8000-000000000001"
const announced = { id, account: "somebody", sizeBytes: 10, metadata: {} }
const nth = (n: number) => id.replace(/1$/, String(n))
const pieces = async function* (...chunks: ReadonlyArray<Uint8Array>) {
  yield* chunks
}
const breaking = async function* (chunk: Uint8Array) {
  yield chunk
  throw new Error("reset by peer")
}

/** The clock stands at the present, because the file system's does. */
const withUploads = <A, E>(use: (directory: string) => Effect.Effect<A, E, Uploads | Blobs | BlobStore | Database>, where = temporaryDirectory) =>
  Effect.gen(function* () {
    const directory = yield* where
    yield* TestClock.setTime(Date.now())
    const layer = Uploads.layer({ directory: join(directory, "uploads"), expiryMs: dayMs, maxUnfinished: 3 }).pipe(
      Layer.provideMerge(Blobs.layer),
      Layer.provideMerge(localBlobStore({ directory: join(directory, "blobs") })),
      Layer.provideMerge(testDatabase("pglite"))
    )
    return yield* Effect.provide(use(join(directory, "uploads")), layer)
  })

/** The sweep's work takes real time, and what it is to see the clock's. */
const eventually = <A>(probe: () => Promise<A>, holds: (value: A) => boolean) =>
  Effect.gen(function* () {
    for (let n = 0; n < 200 && !holds(yield* Effect.promise(probe)); n += 1) {
      yield* TestClock.adjust("10 minutes")
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
    }
    return yield* Effect.promise(probe)
  })

describe("an upload in pieces", () => {
  it.effect("goes on where its last connection broke, whatever position a client claims", () =>
    withUploads(() =>
      Effect.gen(function* () {
        const uploads = yield* Uploads
        const store = yield* BlobStore
        const bytes = randomBytes(300_000)
        yield* uploads.create({ ...announced, sizeBytes: bytes.length, metadata: { filename: "a.wav" } })
        yield* Effect.flip(uploads.append(id, 0, breaking(bytes.subarray(0, 100_000))))
        expect((yield* uploads.find(id)).receivedBytes).toBe(100_000)
        expect(yield* Effect.flip(uploads.append(id, 0, pieces(bytes)))).toMatchObject({ _tag: "ConflictError" })
        expect(yield* Effect.flip(uploads.finished(id))).toMatchObject({ _tag: "ConflictError" })
        expect(yield* uploads.append(id, 100_000, pieces(bytes.subarray(100_000, 150_000), bytes.subarray(150_000), Buffer.from("too much")))).toBe(bytes.length)
        const sha256 = createHash("sha256").update(bytes).digest("hex")
        expect(yield* uploads.finished(id)).toEqual({ sha256, sizeBytes: bytes.length, metadata: { filename: "a.wav" }, jobStatus: null })
        expect(yield* store.stat(sha256)).toEqual({ sizeBytes: bytes.length })
      })
    ),
    // The first to need an embedded database makes it.
    120_000
  )

  it.effect("keeps its bytes in the sweeps of the store until it expires, and nothing after", () =>
    withUploads((directory) =>
      Effect.gen(function* () {
        const uploads = yield* Uploads
        const blobs = yield* Blobs
        const store = yield* BlobStore
        const database = yield* Database
        const bytes = randomBytes(1000)
        yield* uploads.create({ ...announced, sizeBytes: bytes.length })
        yield* uploads.append(id, 0, pieces(bytes))
        const { sha256 } = yield* uploads.finished(id)
        yield* database.transaction((tx) => tx.query("update job_blob set created_at = now() - interval '2 hours'"))
        expect(yield* blobs.sweep).toBe(0)
        yield* uploads.create({ ...announced, id: "00000000-0000-7000-8000-000000000002" })
        yield* Effect.promise(async () => {
          await writeFile(join(directory, "stray"), "x")
          await utimes(join(directory, "stray"), 0, 0)
        })
        yield* TestClock.adjust(dayMs)
        expect(yield* eventually(() => readdir(directory), (names) => names.length === 0)).toEqual([])
        expect(yield* Effect.flip(uploads.find(id))).toMatchObject({ _tag: "NotFoundError" })
        expect(yield* store.stat(sha256)).toBe(null)
      })
    )
  )

  it.effect("may be begun by an account so often; what it finished, what expired and what others began do not count", () =>
    withUploads(() =>
      Effect.gen(function* () {
        const uploads = yield* Uploads
        const begin = (n: number, account = "somebody") => uploads.create({ ...announced, id: nth(n), account })
        const answers = yield* Effect.all([1, 2, 3, 4].map((n) => Effect.result(begin(n))), { concurrency: 4 })
        expect(answers.map((answer) => answer._tag).toSorted()).toEqual(["Failure", "Success", "Success", "Success"])
        expect(yield* Effect.flip(begin(5))).toMatchObject({ _tag: "RateLimitedError", message: expect.stringContaining("Finish or remove one") })
        yield* begin(6, "somebody else")
        const begun = answers.flatMap((answer) => answer._tag === "Success" ? [answer.success.id] : [])
        yield* uploads.append(begun[0] ?? "", 0, pieces(randomBytes(10)))
        yield* begin(7)
        expect(yield* Effect.flip(begin(8))).toMatchObject({ _tag: "RateLimitedError" })
        yield* uploads.remove(begun[1] ?? "")
        yield* begin(8)
        yield* TestClock.adjust(dayMs)
        yield* begin(9)
      })
    )
  )

  it.live("is refused when all that was announced would not fit on the disk, and taken once there is room", ({ skip }) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(1_000_000)
      if (disk === undefined) return skip("only root may mount a small disk")
      yield* withUploads(() =>
        Effect.gen(function* () {
          const uploads = yield* Uploads
          yield* uploads.create({ ...announced, sizeBytes: 600_000 })
          const second = uploads.create({ ...announced, id: nth(2), sizeBytes: 600_000 })
          expect(yield* Effect.flip(second)).toMatchObject({ _tag: "StorageError", message: expect.stringContaining("no room for 600000 bytes") })
          // What has come is on the disk, and is not counted a second time.
          yield* uploads.append(id, 0, pieces(randomBytes(200_000)))
          yield* uploads.create({ ...announced, id: nth(3), sizeBytes: 300_000 })
          yield* uploads.remove(id)
          yield* second
        }), Effect.succeed(disk)).pipe(Effect.provide(TestClock.layer()))
    })
  )

  it.live("says when the disk is full, and goes on when there is room", ({ skip }) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(512 * 1024)
      if (disk === undefined) return skip("only root may mount a small disk")
      yield* withUploads((directory) =>
        Effect.gen(function* () {
          const uploads = yield* Uploads
          const filler = join(disk, "filler")
          const bytes = randomBytes(200_000)
          yield* uploads.create({ ...announced, sizeBytes: bytes.length })
          yield* Effect.promise(() => writeFile(filler, Buffer.alloc(400_000)))
          const failure = yield* Effect.flip(uploads.append(id, 0, pieces(bytes.subarray(0, 50_000), bytes.subarray(50_000))))
          expect(failure).toMatchObject({ _tag: "StorageError", message: expect.stringContaining("disk is full") })
          const { receivedBytes } = yield* uploads.find(id)
          yield* Effect.promise(() => writeFile(filler, ""))
          yield* uploads.append(id, receivedBytes, pieces(bytes.subarray(receivedBytes)))
          expect((yield* uploads.finished(id)).sha256).toBe(createHash("sha256").update(bytes).digest("hex"))
          expect(existsSync(join(directory, id))).toBe(false)
        }), Effect.succeed(disk)).pipe(Effect.provide(TestClock.layer()))
    })
  )
})
