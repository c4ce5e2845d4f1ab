import { existsSync } from "node:fs"
import { mkdir, readdir, truncate, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { BlobStore } from "../../../src/storage/BlobStore.ts"
import { localBlobStore } from "../../../src/storage/localBlobStore.ts"
import { blobStoreContract, putBytes, readBytes } from "../../support/blobStoreContract.ts"
import { openFilesIn } from "../../support/openFiles.ts"
import { smallDisk } from "../../support/smallDisk.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const bytes = Buffer.from("some bytes")
const names = (directory: string) => Effect.promise(() => readdir(directory, { recursive: true }))

describe("blobs in a directory", () => {
  blobStoreContract(
    Effect.map(temporaryDirectory, (directory) => localBlobStore({ directory: join(directory, "blobs") }))
  )

  it.live("lie under the beginning of their names, with nothing beside them", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { sha256 } = yield* putBytes(bytes).pipe(Effect.provide(localBlobStore({ directory })))
      const [first, second] = [sha256.slice(0, 2), sha256.slice(2, 4)]
      expect((yield* names(directory)).toSorted()).toEqual([
        first,
        `${first}/${second}`,
        `${first}/${second}/${sha256}`
      ])
    })
  )

  it.live("that were damaged are repaired when the same bytes come again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const { sha256 } = yield* putBytes(bytes)
        yield* Effect.promise(() => truncate(join(directory, sha256.slice(0, 2), sha256.slice(2, 4), sha256), 3))
        yield* putBytes(bytes)
        expect(yield* readBytes(sha256)).toEqual(bytes)
      }).pipe(Effect.provide(localBlobStore({ directory })))
    })
  )

  it.live("leave no handle open, read to the end, in part or not at all", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const { sha256 } = yield* putBytes(Buffer.alloc(3_000_000))
        const store = yield* BlobStore
        yield* readBytes(sha256)
        yield* Effect.scoped(store.open(sha256))
        yield* Effect.scoped(
          Effect.flatMap(store.open(sha256), (stream) =>
            Effect.promise(() => new Promise((resolve) => stream.once("data", resolve)))
          )
        )
      }).pipe(Effect.provide(localBlobStore({ directory })))
      const open = yield* Effect.promise(() => openFilesIn(directory)).pipe(
        Effect.delay(5),
        Effect.repeat({ until: (paths) => paths.length === 0, times: 100 })
      )
      expect(open).toEqual([])
    })
  )

  it.live("come from another file system whole, and a full disk keeps nothing of them", ({ skip }) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(64 * 1024)
      if (disk === undefined) return skip("only root may mount a small disk")
      yield* Effect.gen(function* () {
        const { sha256, path } = yield* putBytes(bytes)
        expect(yield* readBytes(sha256)).toEqual(bytes)
        expect(existsSync(path)).toBe(false)
        const before = yield* names(disk)
        expect(yield* Effect.flip(putBytes(Buffer.alloc(100_000)))).toMatchObject({ _tag: "StorageError" })
        expect((yield* names(disk)).filter((name) => !before.includes(name) && name.length > 5)).toEqual([])
      }).pipe(Effect.provide(localBlobStore({ directory: disk })))
    })
  )

  it.live("whose copying died long ago are cleared away at the start, those under way are not", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.promise(async () => {
        for (const name of ["incoming-old", "incoming-new"]) {
          await mkdir(join(directory, name))
          await writeFile(join(directory, name, "blob"), "half")
        }
        await utimes(join(directory, "incoming-old"), 0, 0)
      })
      yield* BlobStore.pipe(Effect.provide(localBlobStore({ directory })))
      expect(yield* names(directory)).toEqual(["incoming-new", "incoming-new/blob"])
    })
  )

  it.live("cannot be kept where nothing can be written, which one line says", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.promise(() => writeFile(join(directory, "file"), ""))
      const failure = yield* Effect.flip(
        BlobStore.pipe(Effect.provide(localBlobStore({ directory: join(directory, "file", "blobs") })))
      )
      expect(failure._tag).toBe("DataDirectoryError")
      expect(failure.message).toContain("PLAYHEAD_DATA_DIR")
      expect(failure.message).not.toContain("\n")
    })
  )
})
