/** Blobs in a directory, as `ab/cd/<sha256>`. */
import { copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect, Layer, Stream } from "effect"
import type { StorageError } from "../domain/errors.ts"
import { errorCode, storing } from "../domain/storageFailure.ts"
import { BlobStore } from "./BlobStore.ts"
import { ensureWritable } from "./ensureWritable.ts"

const sha256Pattern = /^[0-9a-f]{64}$/

const isMissing = (failure: StorageError): boolean => errorCode(failure.cause) === "ENOENT"

/** Makes a rename last: the directory that holds the new name is written out too. */
const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const moveInto = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true })
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== "EXDEV") throw error
    // Another file system: copied under a name of its own first, so that nobody sees half a blob.
    const partial = `${to}.${process.pid}.partial`
    await copyFile(from, partial)
    await rename(partial, to)
    await rm(from, { force: true })
  }
  await syncDirectory(dirname(to))
}

export const localBlobStore = (settings: { readonly directory: string }) =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      yield* ensureWritable(settings.directory)

      /** A digest comes from our own database; anything else here would be a path of somebody's choosing. */
      const pathOf = (sha256: string) =>
        sha256Pattern.test(sha256)
          ? Effect.succeed(join(settings.directory, sha256.slice(0, 2), sha256.slice(2, 4), sha256))
          : Effect.die(new Error(`not a SHA-256: ${sha256}`))

      const sizeOf = (sha256: string) =>
        Effect.flatMap(pathOf(sha256), (path) => storing("The file could not be looked up", () => stat(path))).pipe(
          Effect.map(({ size }): { readonly sizeBytes: number } | null => ({ sizeBytes: size })),
          Effect.catchIf(isMissing, () => Effect.succeed(null))
        )

      return BlobStore.of({
        put: Effect.fn("BlobStore.put")(function* (path, sha256) {
          const target = yield* pathOf(sha256)
          yield* (yield* sizeOf(sha256)) === null
            ? storing("The file could not be stored", () => moveInto(path, target))
            : storing("The file could not be removed", () => rm(path, { force: true }))
        }),
        stat: Effect.fn("BlobStore.stat")(sizeOf),
        open: Effect.fn("BlobStore.open")(function* (sha256, range) {
          const path = yield* pathOf(sha256)
          const file = yield* storing("The file could not be opened", () => open(path, "r"))
          const stream = file.createReadStream({ highWaterMark: 256 * 1024, ...range })
          // `autoClose` closes the handle with the stream; destroying twice is harmless.
          yield* Effect.addFinalizer(() => Effect.sync(() => stream.destroy()))
          return stream
        }),
        localFile: Effect.fn("BlobStore.localFile")(function* (sha256) {
          const path = yield* pathOf(sha256)
          yield* storing("The file could not be opened", () => stat(path))
          return path
        }),
        remove: Effect.fn("BlobStore.remove")(function* (sha256) {
          const path = yield* pathOf(sha256)
          yield* storing("The file could not be removed", () => rm(path, { force: true }))
        }),
        list: Stream.unwrap(
          Effect.map(
            storing("The store could not be listed", () => readdir(settings.directory, { recursive: true })),
            (names) => Stream.fromIterable(names.map((name) => name.split(/[/\\]/).at(-1) ?? "").filter((name) => sha256Pattern.test(name)))
          )
        )
      })
    })
  )
