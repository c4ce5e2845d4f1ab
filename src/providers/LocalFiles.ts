/** Files of the server's own that may be imported: those below one directory, and nothing that leads out of it. */
import { constants, type Stats } from "node:fs"
import { type FileHandle, open, realpath } from "node:fs/promises"
import { basename, join, resolve, sep } from "node:path"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Context, Effect, Layer, type Scope } from "effect"
import {
  InvalidInputError,
  NotConfiguredError,
  NotFoundError,
  type StorageError,
  type TooLargeError
} from "../domain/errors.ts"
import { errorCode, storageFailure, storing } from "../domain/storageFailure.ts"
import { cleanFilename } from "./outbound/sourceFilename.ts"
import { type ReceivedFile, receiveFile, tooLarge } from "./receiveFile.ts"

export interface CopyOptions {
  readonly maxBytes: number
  /** The share that was copied, 0 to 1. */
  readonly onProgress?: (fraction: number) => Effect.Effect<void>
}

export interface CopiedFile extends ReceivedFile {
  readonly filename: string
}

type Refusal = InvalidInputError | NotConfiguredError | NotFoundError

interface OpenedFile {
  readonly handle: FileHandle
  readonly sizeBytes: number
  readonly filename: string
}

/** Says the same of a file that is missing and of one that lies outside: nobody is to learn what else the server has. */
const notThere = (path: string): NotFoundError =>
  new NotFoundError({ message: "There is no such file in the import directory.", id: path })

const notAFile = (): InvalidInputError =>
  new InvalidInputError({
    message: "Only regular files can be imported.",
    issues: [{ path: ["input", "source", "file"], message: "is not a regular file" }]
  })

export class LocalFiles extends Context.Service<
  LocalFiles,
  {
    /** Looks whether the file could be imported, and how large it is. `path` is absolute, or relative to the import directory. */
    check(path: string): Effect.Effect<{ readonly sizeBytes: number }, Refusal | StorageError>
    /** Opens it for reading its first bytes. */
    head(path: string, bytes: number): Effect.Effect<Uint8Array, Refusal | StorageError>
    /** Copies it to a new file. Unless it succeeds no copy is left. */
    copy(
      path: string,
      toPath: string,
      options: CopyOptions
    ): Effect.Effect<CopiedFile, Refusal | TooLargeError | StorageError>
  }
>()("playhead/providers/LocalFiles") {
  static readonly layer = (settings: { readonly importDir: string | undefined }) =>
    Layer.succeed(LocalFiles, make(settings.importDir))
}

const make = (importDir: string | undefined): LocalFiles["Service"] => {
  /** What is checked is the opened file and no path: nothing can be put in its place between the check and the copy. */
  const openInside = (path: string): Effect.Effect<OpenedFile, Refusal | StorageError, Scope.Scope> =>
    Effect.gen(function* () {
      if (importDir === undefined) {
        return yield* new NotConfiguredError({
          message: "Files of the server cannot be imported until PLAYHEAD_IMPORT_DIR names a directory.",
          settings: ["PLAYHEAD_IMPORT_DIR"]
        })
      }
      if (path.includes("\0")) return yield* notThere(path)
      const root = yield* storing("The import directory could not be read", () => realpath(importDir))
      const real = yield* lookUp(path, () => realpath(resolve(importDir, path)))
      if (!real.startsWith(join(root, sep))) return yield* notThere(path)
      // NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
      const handle = yield* Effect.acquireRelease(
        lookUp(path, () => open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)),
        (opened) => Effect.promise(() => opened.close())
      )
      // A folder on the way may have been swapped for a link after the first look: /proc tells what was really opened.
      const opened =
        process.platform === "linux" ? yield* lookUp(path, () => realpath(`/proc/self/fd/${handle.fd}`)) : real
      if (!opened.startsWith(join(root, sep))) return yield* notThere(path)
      const found: Stats = yield* storing("The file could not be read", () => handle.stat())
      if (!found.isFile()) return yield* notAFile()
      return { handle, sizeBytes: found.size, filename: cleanFilename(real) ?? basename(real) }
    })

  return LocalFiles.of({
    check: Effect.fn("LocalFiles.check")(function* (path) {
      const { sizeBytes } = yield* openInside(path)
      return { sizeBytes }
    }, Effect.scoped),
    head: Effect.fn("LocalFiles.head")(function* (path, bytes) {
      const { handle } = yield* openInside(path)
      const { buffer, bytesRead } = yield* storing("The file could not be read", () =>
        handle.read(Buffer.alloc(bytes), 0, bytes, 0)
      )
      return buffer.subarray(0, bytesRead)
    }, Effect.scoped),
    copy: Effect.fn("LocalFiles.copy")(function* (path, toPath, { maxBytes, onProgress }) {
      const { handle, sizeBytes, filename } = yield* openInside(path)
      if (sizeBytes > maxBytes) return yield* tooLarge(maxBytes, sizeBytes)
      const bytes = NodeStream.fromReadable({
        evaluate: () => handle.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 }),
        onError: (cause) => storageFailure("The file could not be read", cause)
      })
      const received = yield* receiveFile(bytes, toPath, {
        maxBytes,
        onProgress: onProgress && ((receivedBytes) => onProgress(Math.min(1, receivedBytes / sizeBytes)))
      })
      return { ...received, filename }
    }, Effect.scoped)
  })
}

/** The file system's "no such file" and "not allowed" are the same answer to a client. */
const lookUp = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, NotFoundError | StorageError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      ["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG", "EINVAL"].includes(errorCode(cause) ?? "")
        ? notThere(path)
        : storageFailure("The file could not be opened", cause)
  })
