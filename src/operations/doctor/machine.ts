/** What the machine has to have. */
import { existsSync } from "node:fs"
import { access, constants, statfs } from "node:fs/promises"
import { createServer } from "node:net"
import { dirname } from "node:path"
import { Effect } from "effect"
import { diesWithParent, findProgram } from "../../audio/ffmpeg/program.ts"
import { diskState } from "../checks.ts"
import type { Finding } from "./Finding.ts"

const oldestNode = 24

export const nodeFinding = (version: string): Finding =>
  Number.parseInt(version.replace(/^v/u, ""), 10) >= oldestNode
    ? { name: "Node.js", state: "fit", found: version }
    : { name: "Node.js", state: "missing", found: version, advice: `Playhead needs Node.js ${oldestNode}; npm start uses the one that npm ci installs beside it.` }

/** The nearest directory above a path that is there. */
const existing = (path: string): string => (existsSync(path) || dirname(path) === path ? path : existing(dirname(path)))

export const dataDirectory = Effect.fnUntraced(function*(dataDir: string) {
  const there = existing(dataDir)
  const writable = yield* Effect.option(Effect.tryPromise(() => access(there, constants.R_OK | constants.W_OK | constants.X_OK)))
  if (writable._tag === "None") {
    return { name: "data directory", state: "missing", found: dataDir, advice: `This user may not write to ${there}: change its owner, or set PLAYHEAD_DATA_DIR to another directory.` } satisfies Finding
  }
  const { bavail, bsize } = yield* Effect.promise(() => statfs(there))
  const disk = diskState(bavail * bsize)
  return {
    name: "data directory",
    state: disk.status === "HEALTHY" ? "fit" : "limited",
    found: `${dataDir}${there === dataDir ? "" : " (will be made)"}, ${disk.message}`,
    advice: disk.status === "HEALTHY" ? undefined : "Imports are likely to fail soon: make room, or set PLAYHEAD_DATA_DIR to a larger disk."
  } satisfies Finding
})

export const ffmpeg = (configured: string | undefined) =>
  findProgram(configured).pipe(
    Effect.map(({ origin, path, version }): Finding => ({
      name: "ffmpeg",
      state: origin === "BUNDLED" ? "limited" : "fit",
      found: `${version}, ${path} (${origin})`,
      advice: origin === "BUNDLED" ? "The bundled ffmpeg gets no security fixes: install the distribution's (Debian: apt install ffmpeg), or set FFMPEG_PATH." : undefined
    })),
    Effect.catchTag("FFmpegStartError", ({ message }) => Effect.succeed<Finding>({ name: "ffmpeg", state: "missing", found: "not usable", advice: message }))
  )

/** Whether a killed server takes its ffmpeg with it. */
export const orphans = Effect.map(diesWithParent, (words): Finding =>
  words.length > 0
    ? { name: "setpriv", state: "fit", found: words[0] ?? "" }
    : {
      name: "setpriv",
      state: "limited",
      found: "not usable here",
      advice: "After a kill -9 of Playhead its ffmpeg would run to its end. On Linux, install util-linux (Debian: apt install util-linux)."
    })

export const port = ({ host, port: number }: { readonly host: string; readonly port: number }) =>
  Effect.callback<Finding>((resume) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => {
      resume(Effect.succeed(
        error.code === "EADDRINUSE"
          ? { name: "port", state: "limited", found: `${host}:${number} is in use`, advice: "If that is not a Playhead that you started, end it or set PORT to another number." }
          : { name: "port", state: "missing", found: `${host}:${number} cannot be listened on (${error.code ?? error.message})`, advice: "Set HOST to an address of this machine and PORT to a number above 1023." }
      ))
    })
    server.listen(number, host, () => server.close(() => resume(Effect.succeed({ name: "port", state: "fit", found: `${host}:${number} is free` }))))
    return Effect.sync(() => server.close())
  })
