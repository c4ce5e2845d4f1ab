import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { LocalFiles } from "../../../src/providers/LocalFiles.ts"
import { openFilesIn } from "../../support/openFiles.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const content = Buffer.from("the bytes of a song")

/**
 *     import/song.mp3  import/albums/one.flac  import/inside.mp3 -> albums/one.flac  import/albums/up.mp3 -> ../song.mp3
 *     import/outside.mp3 -> outside/secret.mp3  import/folder -> outside  import/queue (FIFO)  outside/secret.mp3
 *     import-too/song.mp3 (a neighbour with the same beginning)  linked -> import
 */
const library = Effect.gen(function* () {
  const root = yield* temporaryDirectory
  const path = (...parts: ReadonlyArray<string>) => join(root, ...parts)
  yield* Effect.promise(async () => {
    for (const directory of ["import/albums", "import-too", "outside", "work"])
      await mkdir(path(directory), { recursive: true })
    for (const name of ["import/song.mp3", "import/albums/one.flac", "import-too/song.mp3", "outside/secret.mp3"])
      await writeFile(path(name), content)
    await symlink("albums/one.flac", path("import/inside.mp3"))
    await symlink("../song.mp3", path("import/albums/up.mp3"))
    await symlink(path("outside/secret.mp3"), path("import/outside.mp3"))
    await symlink(path("outside"), path("import/folder"))
    await symlink("loop.mp3", path("import/loop.mp3"))
    await symlink(path("import"), path("linked"))
    await symlink("/dev/zero", path("import/device.mp3"))
    execFileSync("mkfifo", [path("import/queue")])
  })
  return path
})

const using = <A, E>(importDir: string | undefined, use: (files: LocalFiles["Service"]) => Effect.Effect<A, E>) =>
  LocalFiles.use(use).pipe(Effect.provide(LocalFiles.layer({ importDir })))

describe("a file of the import directory", () => {
  it.live.each(["song.mp3", "./song.mp3", "albums/../song.mp3", "albums/one.flac", "inside.mp3", "albums/up.mp3"])(
    "is copied whole, with its hash: %s",
    (name) =>
      Effect.gen(function* () {
        const path = yield* library
        const progress: Array<number> = []
        const copied = yield* using(path("import"), (files) =>
          files.copy(name, path("work/copy"), {
            maxBytes: 1000,
            onProgress: (fraction) => Effect.sync(() => void progress.push(fraction))
          })
        )
        expect(copied).toMatchObject({
          sizeBytes: content.length,
          sha256: createHash("sha256").update(content).digest("hex")
        })
        expect(yield* Effect.promise(() => readFile(path("work/copy")))).toEqual(content)
        expect(progress.at(-1)).toBe(1)
      })
  )

  it.live("is found by its absolute path, also when the directory is named through a link", () =>
    Effect.gen(function* () {
      const path = yield* library
      expect(yield* using(path("import"), (files) => files.check(path("import/song.mp3")))).toEqual({
        sizeBytes: content.length
      })
      expect(yield* using(path("linked"), (files) => files.check(path("linked/song.mp3")))).toEqual({
        sizeBytes: content.length
      })
      expect(yield* using(path("linked"), (files) => files.check("song.mp3"))).toEqual({ sizeBytes: content.length })
    })
  )

  it.live("shows its first bytes, or all when it has no more", () =>
    Effect.gen(function* () {
      const path = yield* library
      const head = (bytes: number) => using(path("import"), (files) => files.head("song.mp3", bytes))
      expect(Buffer.from(yield* head(9)).toString()).toBe("the bytes")
      expect(Buffer.from(yield* head(1000))).toEqual(content)
    })
  )

  it.live("keeps no part of its copy when it is too large", () =>
    Effect.gen(function* () {
      const path = yield* library
      const failure = yield* Effect.flip(
        using(path("import"), (files) => files.copy("song.mp3", path("work/copy"), { maxBytes: 5 }))
      )
      expect(failure).toMatchObject({ _tag: "TooLargeError", limitBytes: 5, actualBytes: content.length })
      expect(yield* Effect.promise(() => readdir(path("work")))).toEqual([])
    })
  )
})

describe("what is not a file of the import directory", () => {
  it.live.each([
    "missing.mp3",
    "song.mp3/more",
    "../outside/secret.mp3",
    "../import-too/song.mp3",
    "albums/../../outside/secret.mp3",
    "/etc/passwd",
    "outside.mp3",
    "folder/secret.mp3",
    "loop.mp3",
    "song.mp3\0.flac",
    `${"x".repeat(300)}.mp3`,
    "device.mp3",
    "",
    "."
  ])("is not found, whether it exists or not: %j", (name) =>
    Effect.gen(function* () {
      const path = yield* library
      const failure = yield* Effect.flip(
        using(path("import"), (files) => files.copy(name, path("work/copy"), { maxBytes: 1000 }))
      )
      expect(failure).toMatchObject({ _tag: "NotFoundError", id: name })
      // One message for all of them, so that it tells nothing of what else is there.
      expect(failure.message).toBe("There is no such file in the import directory.")
      expect(yield* Effect.promise(() => readdir(path("work")))).toEqual([])
    })
  )

  it.live.each(["albums", "queue"])(
    "cannot be imported when it is a directory or a queue, and is not waited for: %s",
    (name) =>
      Effect.gen(function* () {
        const path = yield* library
        expect(yield* Effect.flip(using(path("import"), (files) => files.check(name)))).toMatchObject({
          _tag: "InvalidInputError"
        })
      })
  )

  it.live("leaves nothing open, however it is refused", () =>
    Effect.gen(function* () {
      const path = yield* library
      for (const name of ["song.mp3", "albums", "queue", "outside.mp3", "missing.mp3"]) {
        yield* Effect.exit(using(path("import"), (files) => files.check(name)))
      }
      expect(yield* Effect.promise(() => openFilesIn(path()))).toEqual([])
    })
  )

  it.live("is any file while no import directory is set", () =>
    Effect.gen(function* () {
      const path = yield* library
      expect(yield* Effect.flip(using(undefined, (files) => files.check(path("import/song.mp3"))))).toMatchObject({
        _tag: "NotConfiguredError",
        settings: ["PLAYHEAD_IMPORT_DIR"]
      })
    })
  )
})
