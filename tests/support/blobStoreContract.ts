/** What every BlobStore promises, whatever keeps the bytes. */
import { createHash } from "node:crypto"
import { readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, type Scope, Stream } from "effect"
import { BlobStore, type ByteRange } from "../../src/storage/BlobStore.ts"
import { temporaryDirectory } from "./temporaryDirectory.ts"

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const exists = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      () => true,
      () => false
    )
  )

/** Writes a file of its own and puts it; returns its name in the store and the path that was consumed. */
export const putBytes = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const path = join(yield* temporaryDirectory, "incoming")
  yield* Effect.promise(() => writeFile(path, bytes))
  const sha256 = sha256Of(bytes)
  const store = yield* BlobStore
  yield* store.put(path, sha256)
  return { sha256, path }
})

export const readBytes = (sha256: string, range?: ByteRange) =>
  BlobStore.use((store) => store.open(sha256, range)).pipe(
    Effect.flatMap((readable) => Effect.promise(() => buffer(readable))),
    Effect.scoped
  )

/** Registers the tests; `layer` makes an empty store. */
export const blobStoreContract = <E>(layer: Effect.Effect<Layer.Layer<BlobStore, E>, never, Scope.Scope>): void => {
  const test = (name: string, run: Effect.Effect<void, unknown, BlobStore | Scope.Scope>) =>
    it.live(name, () => Effect.flatMap(layer, (built) => Effect.provide(run, built)))

  const song = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) & 255))
  const missing = sha256Of(Buffer.from("missing"))

  test(
    "gives back what was put, and consumes the file",
    Effect.gen(function* () {
      const { sha256, path } = yield* putBytes(song)
      expect(yield* readBytes(sha256)).toEqual(song)
      expect(yield* BlobStore.use((store) => store.stat(sha256))).toEqual({ sizeBytes: song.length })
      expect(yield* exists(path)).toBe(false)
    })
  )

  test(
    "gives any part, both ends included",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(song)
      for (const [start, end] of [
        [0, 0],
        [0, 9],
        [100, 299_999],
        [299_999, 299_999],
        [65_535, 65_536]
      ] as const) {
        expect(yield* readBytes(sha256, { start, end })).toEqual(song.subarray(start, end + 1))
      }
    })
  )

  test(
    "keeps an empty blob",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(new Uint8Array())
      expect(yield* readBytes(sha256)).toEqual(Buffer.alloc(0))
      expect(yield* BlobStore.use((store) => store.stat(sha256))).toEqual({ sizeBytes: 0 })
    })
  )

  test(
    "takes the same bytes again, one after another and at once",
    Effect.gen(function* () {
      yield* putBytes(song)
      const again = yield* Effect.all(
        Array.from({ length: 8 }, () => putBytes(song)),
        { concurrency: "unbounded" }
      )
      for (const { sha256, path } of again) {
        expect(yield* exists(path)).toBe(false)
        expect(yield* readBytes(sha256)).toEqual(song)
      }
      expect(yield* Stream.runCollect(Stream.unwrap(Effect.map(BlobStore, (store) => store.list)))).toHaveLength(1)
    })
  )

  test(
    "goes on giving a blob to who reads it while it is put again or removed",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(song)
      const store = yield* BlobStore
      const read = yield* store.open(sha256).pipe(
        Effect.tap(() => putBytes(song)),
        Effect.tap(() => store.remove(sha256)),
        Effect.flatMap((readable) => Effect.promise(() => buffer(readable))),
        Effect.scoped
      )
      expect(read).toEqual(song)
    })
  )

  test(
    "gives a local file to read",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(song)
      const store = yield* BlobStore
      const read = yield* store.localFile(sha256).pipe(
        Effect.flatMap((path) => Effect.promise(() => readFile(path))),
        Effect.scoped
      )
      expect(read).toEqual(song)
    })
  )

  test(
    "says that it has not got what it has not got",
    Effect.gen(function* () {
      const store = yield* BlobStore
      expect(yield* store.stat(missing)).toBeNull()
      expect(yield* Effect.flip(Effect.scoped(store.open(missing)))).toMatchObject({ _tag: "StorageError" })
      expect(yield* Effect.flip(Effect.scoped(store.localFile(missing)))).toMatchObject({ _tag: "StorageError" })
    })
  )

  test(
    "removes, and does not mind when there is nothing to remove",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(song)
      const store = yield* BlobStore
      yield* store.remove(sha256)
      yield* store.remove(sha256)
      expect(yield* store.stat(sha256)).toBeNull()
    })
  )

  test(
    "lists every blob once",
    Effect.gen(function* () {
      const put = yield* Effect.forEach([1, 2, 3, 4, 5], (seed) => putBytes(Buffer.from([seed])))
      const store = yield* BlobStore
      expect((yield* Stream.runCollect(store.list)).toSorted()).toEqual(put.map(({ sha256 }) => sha256).toSorted())
    })
  )

  test(
    "fails to put what is not there, and has nothing then",
    Effect.gen(function* () {
      const store = yield* BlobStore
      expect(yield* Effect.flip(store.put(join(yield* temporaryDirectory, "nothing"), missing))).toMatchObject({
        _tag: "StorageError"
      })
      expect(yield* store.stat(missing)).toBeNull()
    })
  )

  test(
    "takes nothing for a name but a SHA-256",
    Effect.gen(function* () {
      const store = yield* BlobStore
      for (const name of [
        "../../../etc/passwd",
        "",
        "ab",
        "g".repeat(64),
        missing.toUpperCase(),
        `${missing}/x`,
        `${missing}\n`
      ]) {
        for (const attempt of [
          store.stat(name),
          Effect.scoped(store.open(name)),
          store.remove(name),
          store.put("/dev/null", name)
        ]) {
          expect(Exit.hasDies(yield* Effect.exit(attempt))).toBe(true)
        }
      }
    })
  )

  test(
    "stops reading with the scope",
    Effect.gen(function* () {
      const { sha256 } = yield* putBytes(song)
      const store = yield* BlobStore
      const readable = yield* Effect.scoped(store.open(sha256))
      expect(readable.destroyed).toBe(true)
    })
  )

  test(
    "puts a file whole or not at all when it is interrupted",
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "incoming")
      yield* Effect.promise(() => writeFile(path, song))
      const store = yield* BlobStore
      const fiber = yield* Effect.forkChild(store.put(path, sha256Of(song)), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      const stored = yield* store.stat(sha256Of(song))
      if (stored === null) expect(yield* exists(path)).toBe(true)
      else expect(yield* readBytes(sha256Of(song))).toEqual(song)
    })
  )
}
