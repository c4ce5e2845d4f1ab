/** Faults of the file system as the StorageError that tells the operator what to do. */
import { Effect } from "effect"
import { StorageError } from "./errors.ts"

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space and try again.",
  EDQUOT: "the disk quota is used up. Free some space and try again.",
  EROFS: "the file system is read-only.",
  EACCES: "permission was denied.",
  EPERM: "permission was denied.",
  EMFILE: "too many files are open.",
  ENFILE: "too many files are open.",
  EIO: "the disk reported an input/output error.",
  ENOENT: "the file is missing.",
  EEXIST: "a file is there already.",
  ENOTDIR: "a part of its path is not a directory."
}

export const errorCode = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined

/** `failed` is what could not be done, such as "The file could not be written". The path stays in the cause, for the log. */
export const storageFailure = (failed: string, cause: unknown): StorageError => {
  const code = errorCode(cause)
  const reason = code === undefined ? undefined : (remedies[code] ?? `${code}.`)
  return new StorageError({ message: reason === undefined ? `${failed}.` : `${failed}: ${reason}`, cause })
}

/** Runs a promise of the file system; whatever it rejects with is a StorageError. */
export const storing = <A>(failed: string, run: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({ try: run, catch: (cause) => storageFailure(failed, cause) })
