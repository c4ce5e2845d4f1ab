import { createHash } from "node:crypto"
import { open, rm, type FileHandle } from "node:fs/promises"
import { Effect, Exit, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { type StorageError, TooLargeError } from "../domain/errors.ts"
import { storing } from "../domain/storageFailure.ts"

export interface ReceivedFile {
  readonly sizeBytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

export interface ReceiveOptions {
  readonly maxBytes: number
  /** Called after each batch, with all bytes so far. */
  readonly onProgress?: ((receivedBytes: number) => Effect.Effect<void>) | undefined
}

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
}

const asOne = ([first, ...others]: NonEmptyReadonlyArray<Uint8Array>): Uint8Array =>
  others.length === 0 ? first : Buffer.concat([first, ...others])

const megabytes = (bytes: number): string => `${Number((bytes / 1_000_000).toFixed(2))} MB`

export const tooLarge = (limitBytes: number, actualBytes?: number): TooLargeError =>
  new TooLargeError({
    message: `The file is larger than the ${megabytes(limitBytes)} that are allowed.`,
    limitBytes,
    ...(actualBytes !== undefined && { actualBytes })
  })

/**
 * Writes a stream to a new file while hashing it, and returns once the bytes are on the disk. When anything fails, the
 * stream breaks, more than `maxBytes` arrive or the fiber is interrupted, no file is left. An existing file is not
 * overwritten but a StorageError.
 */
export const receiveFile = <E, R>(
  source: Stream.Stream<Uint8Array, E, R>,
  toPath: string,
  { maxBytes, onProgress }: ReceiveOptions
): Effect.Effect<ReceivedFile, E | TooLargeError | StorageError, R> =>
  Effect.acquireUseRelease(
    storing("The file could not be created", () => open(toPath, "wx", 0o600)),
    Effect.fnUntraced(function* (file) {
      const hash = createHash("sha256")
      let sizeBytes = 0
      yield* Stream.runForEachArray(source, (chunks): Effect.Effect<void, TooLargeError | StorageError> => {
        const bytes = asOne(chunks)
        sizeBytes += bytes.length
        if (sizeBytes > maxBytes) return Effect.fail(tooLarge(maxBytes))
        const write = storing("The file could not be written", () => {
          const written = writeAll(file, bytes)
          // The disk is busy now; this thread need not be idle.
          hash.update(bytes)
          return written
        })
        return onProgress === undefined ? write : Effect.andThen(write, onProgress(sizeBytes))
      })
      yield* storing("The file could not be written", () => file.sync())
      return { sizeBytes, sha256: hash.digest("hex") }
    }),
    (file, exit) =>
      Effect.promise(async () => {
        await file.close()
        if (Exit.isFailure(exit)) await rm(toPath, { force: true })
      })
  )
