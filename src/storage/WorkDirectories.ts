/**
 * Directories for files in the making. Each process has its own below a common root and holds a lock in it as long as
 * it lives, which the operating system gives back however it ends; a starting process removes what the dead have left.
 */
import { existsSync } from "node:fs"
import { mkdir, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { StorageError } from "../domain/errors.ts"
import { storing } from "../domain/storageFailure.ts"
import { lockFile } from "../persistence/dataDirectoryLock.ts"
import { ensureWritable } from "./ensureWritable.ts"

/** Beside the directory and taken before it is made: a directory without a living lock belongs to nobody. */
const lockOf = (directory: string) => `${directory}.lock`

/** A child process that is being ended may still write a last file while its directory goes. */
const removeTree = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })

const removeWithLock = async (directory: string): Promise<void> => {
  await removeTree(directory)
  // The lock is an SQLite file, and a holder that was killed leaves its journal.
  await rm(`${lockOf(directory)}-journal`, { force: true })
  await rm(lockOf(directory), { force: true })
}

export class WorkDirectories extends Context.Service<
  WorkDirectories,
  {
    /** A new empty directory, gone with everything in it when the scope closes. */
    readonly make: Effect.Effect<string, StorageError, Scope.Scope>
  }
>()("playhead/storage/WorkDirectories") {
  static readonly layer = (settings: { readonly directory: string }) =>
    Layer.effect(
      WorkDirectories,
      Effect.gen(function* () {
        const random = yield* SecureRandom.SecureRandom
        yield* ensureWritable(settings.directory)
        yield* Effect.promise(() => removeAbandoned(settings.directory))
        const claim: Effect.Effect<ClaimedDirectory> = Effect.gen(function* () {
          const directory = join(settings.directory, yield* random.uuidV7())
          return (yield* Effect.promise(() => claimDirectory(directory))) ?? (yield* claim)
        })
        const { directory: own } = yield* Effect.acquireRelease(claim, ({ directory, unlock }) =>
          Effect.promise(async () => {
            await removeWithLock(directory)
            unlock()
          })
        )
        return WorkDirectories.of({
          make: Effect.acquireRelease(
            Effect.gen(function* () {
              const directory = join(own, yield* random.uuidV7())
              yield* storing("A directory for the work could not be made", () => mkdir(directory))
              return directory
            }),
            (directory) => Effect.promise(() => removeTree(directory))
          )
        })
      })
    )
}

interface ClaimedDirectory {
  readonly directory: string
  readonly unlock: () => void
}

/**
 * Makes a directory that is ours as long as we live. Undefined when another process, starting at the same moment, took the
 * lock file for an abandoned one before it was locked, and holds or has removed it: then another name is due.
 */
const claimDirectory = async (directory: string): Promise<ClaimedDirectory | undefined> => {
  const unlock = lockFile(lockOf(directory))
  if (unlock === undefined) return undefined
  await mkdir(directory)
  if (existsSync(lockOf(directory))) return { directory, unlock }
  unlock()
  await removeTree(directory)
  return undefined
}

const removeAbandoned = async (root: string): Promise<void> => {
  const names = await readdir(root)
  for (const directory of new Set(names.map((name) => join(root, name.replace(/\.lock(-journal)?$/, ""))))) {
    const unlock = lockFile(lockOf(directory))
    if (unlock === undefined) continue
    await removeWithLock(directory)
    unlock()
  }
}
