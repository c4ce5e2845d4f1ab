/** Blobs in a directory, as `ab/cd/<sha256>`. */
import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Clock, Effect, Layer, Stream } from "effect"
import type { StorageError } from "../domain/errors.ts"
import { errorCode, storageFailure, storing } from "../domain/storageFailure.ts"
import { BlobStore } from "./BlobStore.ts"
import { ensureWritable } from "./ensureWritable.ts"

const sha256Pattern = /^[0-9a-f]{64}$/

const isMissing = (failure: StorageError): boolean => errorCode(failure.cause) === "ENOENT"

/** Makes what was written to a file, or the names that were changed in a directory, survive a loss of power. */
const sync = async (path: string): Promise<void> => {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Where bytes from another file system are collected, out of the sight of readers. */
const incoming = "incoming-"
/** No copy takes this long: what is older was left by a process that died. */
const abandonedAfterMs = 60 * 60 * 1000

/** Copies between file systems under a name of its own first, so that nobody sees half a blob. */
const copyAcross = async (root: string, from: string, to: string): Promise<void> => {
  const directory = await mkdtemp(join(root, incoming))
  try {
    const partial = join(directory, "blob")
    await copyFile(from, partial)
    await sync(partial)
    await rename(partial, to)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  await rm(from, { force: true })
}

const moveInto = async (root: string, from: string, to: string): Promise<void> => {
  const directory = dirname(to)
  const made = await mkdir(directory, { recursive: true })
  await sync(from)
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== "EXDEV") throw error
    await copyAcross(root, from, to)
  }
  await sync(directory)
  if (made !== undefined) await Promise.all([sync(dirname(directory)), sync(root)])
}

const removeAbandoned = async (root: string, nowMs: number): Promise<void> => {
  for (const name of await readdir(root)) {
    if (!name.startsWith(incoming)) continue
    const path = join(root, name)
    // Another node on the same directory may have finished and removed it meanwhile.
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? { mtimeMs: nowMs }
    if (nowMs - mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true })
  }
}

/** One directory at a time, so that a large store is never held in memory. */
async function* walk(root: string): AsyncGenerator<string> {
  const prefixed = async (path: string) => (await readdir(path)).filter((name) => /^[0-9a-f]{2}$/.test(name))
  for (const first of await prefixed(root)) {
    for (const second of await prefixed(join(root, first))) {
      for (const name of await readdir(join(root, first, second))) if (sha256Pattern.test(name)) yield name
    }
  }
}

export const localBlobStore = (settings: { readonly directory: string }) =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      const root = settings.directory
      yield* ensureWritable(root)
      const now = yield* Clock.currentTimeMillis
      yield* Effect.promise(() => removeAbandoned(root, now))

      /** A digest comes from our own database; anything else here would be a path of somebody's choosing. */
      const pathOf = (sha256: string) =>
        sha256Pattern.test(sha256)
          ? Effect.succeed(join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256))
          : Effect.die(new Error(`not a SHA-256: ${sha256}`))

      const sizeOf = (sha256: string) =>
        Effect.flatMap(pathOf(sha256), (path) => storing("The file could not be looked up", () => stat(path))).pipe(
          Effect.map(({ size }): { readonly sizeBytes: number } | null => ({ sizeBytes: size })),
          Effect.catchIf(isMissing, () => Effect.succeed(null))
        )

      return BlobStore.of({
        put: Effect.fn("BlobStore.put")(function* (path, sha256) {
          const target = yield* pathOf(sha256)
          const arriving = yield* storing("The file could not be stored", () => stat(path))
          // Equal names are equal bytes; another length is damage, which the new file repairs.
          yield* (yield* sizeOf(sha256))?.sizeBytes === arriving.size
            ? storing("The file could not be removed", () => rm(path, { force: true }))
            : storing("The file could not be stored", () => moveInto(root, path, target))
        }, Effect.uninterruptible),
        stat: Effect.fn("BlobStore.stat")(sizeOf),
        open: Effect.fn("BlobStore.open")(function* (sha256, range) {
          const path = yield* pathOf(sha256)
          return yield* Effect.acquireRelease(
            storing("The file could not be opened", async () =>
              (await open(path, "r")).createReadStream({ highWaterMark: 256 * 1024, ...range })
            ),
            // Closes the file with the stream; destroying it twice is harmless.
            (stream) => Effect.sync(() => stream.destroy())
          )
        }),
        localFile: Effect.fn("BlobStore.localFile")(function* (sha256) {
          const path = yield* pathOf(sha256)
          yield* storing("The file could not be opened", () => stat(path))
          return path
        }),
        address: () => Effect.succeed(null),
        remove: Effect.fn("BlobStore.remove")(function* (sha256) {
          const path = yield* pathOf(sha256)
          yield* storing("The file could not be removed", () => rm(path, { force: true }))
        }),
        list: Stream.fromAsyncIterable(walk(root), (cause) => storageFailure("The store could not be listed", cause))
      })
    })
  )
