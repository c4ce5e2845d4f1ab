import { DatabaseSync } from "node:sqlite"

/**
 * Takes a lock that the operating system gives back when the process ends, however it ends. It is the lock of an SQLite
 * file, because Node.js has no file locks of its own; nothing is stored in it. Unlike a file with a process id it can
 * neither be left behind by a `kill -9` nor be mistaken for another container's.
 *
 * Returns how to release it, or undefined when another holder has it. Throws when the file cannot be made.
 */
export const lockFile = (path: string): (() => void) | undefined => {
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    file.exec("begin exclusive")
    return () => file.close()
  } catch (error) {
    file.close()
    const busy = 5
    if (error instanceof Error && "errcode" in error && error.errcode === busy) return undefined
    throw error
  }
}
