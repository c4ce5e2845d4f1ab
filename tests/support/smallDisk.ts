import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"

const run = promisify(execFile)

/** A file system of its own with room for so many bytes, or undefined where this user may not mount one. */
export const smallDisk = (sizeBytes: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const path = await mkdtemp(join(tmpdir(), "playhead-disk-"))
      try {
        await run("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path])
        return path
      } catch {
        await rm(path, { recursive: true })
        return undefined
      }
    }),
    (path) =>
      Effect.promise(async () => {
        if (path === undefined) return
        await run("umount", [path])
        await rm(path, { recursive: true })
      })
  )
