import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { receiveFile } from "../../../src/providers/receiveFile.ts"
import { openFilesIn } from "../../support/openFiles.ts"
import { smallDisk } from "../../support/smallDisk.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const zeros = (count: number) => Stream.range(1, count).pipe(Stream.map(() => new Uint8Array(10_000)))

describe("a stream that is written to a file", () => {
  it.live("fails as a storage failure when the disk fills up, and gives the room back", ({ skip }) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk(64 * 1024)
      if (disk === undefined) return skip("only root may mount a small disk")
      const failure = yield* Effect.flip(receiveFile(zeros(100), join(disk, "file"), { maxBytes: 10_000_000 }))
      expect(failure).toMatchObject({ _tag: "StorageError", retryable: true })
      expect(failure.message).toContain("disk is full")
      expect(yield* Effect.promise(() => readdir(disk))).toEqual([])
      yield* receiveFile(zeros(5), join(disk, "file"), { maxBytes: 10_000_000 })
    })
  )

  it.live("may have exactly as many bytes as are allowed, and not one more", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      expect(yield* receiveFile(zeros(10), join(directory, "a"), { maxBytes: 100_000 })).toMatchObject({
        sizeBytes: 100_000
      })
      expect(yield* Effect.flip(receiveFile(zeros(10), join(directory, "b"), { maxBytes: 99_999 }))).toMatchObject({
        _tag: "TooLargeError"
      })
      expect(yield* Effect.promise(() => readdir(directory))).toEqual(["a"])
    })
  )

  it.live("that breaks off keeps its own error and leaves neither file nor handle", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const broken = Stream.concat(zeros(3), Stream.fail("broken" as const))
      expect(yield* Effect.flip(receiveFile(broken, join(directory, "a"), { maxBytes: 100_000 }))).toBe("broken")
      expect(yield* Effect.promise(() => readdir(directory))).toEqual([])
      expect(yield* Effect.promise(() => openFilesIn(directory))).toEqual([])
    })
  )
})
