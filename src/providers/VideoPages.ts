/**
 * The audio of pages with a video, by a yt-dlp that the operator supplies: what such pages serve, and what may be taken
 * from them, is between them and the operator. https://github.com/yt-dlp/yt-dlp
 */
import { stat, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { Context, Effect, Layer, Predicate, Schema } from "effect"
import { runChild } from "../audio/ffmpeg/childProcess.ts"
import { NotConfiguredError, ProviderError, type ProviderErrorReason, type ResourceLimitError, type StorageError, TimedOutError, type TooLargeError } from "../domain/errors.ts"
import { storing } from "../domain/storageFailure.ts"
import { tooLarge } from "./receiveFile.ts"

export interface PageLimits {
  readonly maxBytes: number
  readonly maxDurationMs: number
  readonly tooLong: () => ResourceLimitError
  readonly timeoutMs: number
  readonly onProgress: (fraction: number) => void
}

export interface PageAudio {
  /** A file below the directory that was given. */
  readonly path: string
  readonly extension: string
  readonly title: string | null
  readonly artist: string | null
  readonly album: string | null
}

type Refusal = NotConfiguredError | ProviderError | TimedOutError | TooLargeError | ResourceLimitError | StorageError

const provider = "yt-dlp"
/** Read alone by whoever made the page: longer is no title. */
const maxText = 200

const text = Schema.optionalKey(Schema.NullOr(Schema.String))
/** Of what `--dump-single-json` prints, which is far more. */
const PageInfo = Schema.Struct({
  title: text,
  track: text,
  artist: text,
  uploader: text,
  album: text,
  duration: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
  is_live: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  _type: text
})

/** What its messages mean; the first that matches. */
const reasons: ReadonlyArray<readonly [RegExp, ProviderErrorReason]> = [
  [/HTTP Error 429|too many requests|rate.?limit/iu, "RATE_LIMITED"],
  [/timed? ?out/iu, "TIMED_OUT"],
  [/HTTP Error 5\d\d|unable to connect|connection|temporary failure|incomplete|network is unreachable/iu, "UNAVAILABLE"],
  [/unsupported url|not a valid url|unavailable|not available|private|sign in|log ?in|members.only|age|removed|deleted|copyright|drm|HTTP Error 4\d\d|no video|requested format/iu, "REJECTED"]
]

/** Its last complaint, without the name of the extractor in front, fit to be shown. */
const complaintOf = (stderr: string): string => {
  const line = stderr.split("\n").findLast((each) => each.startsWith("ERROR:")) ?? ""
  return line.replace(/^ERROR:\s*(?:\[[^\]]*\]\s*)?/u, "").replace(/;? ?please report this issue.*$/iu, "").replaceAll(/(?:\/[^\s/:'",]+){2,}\/?/gu, (path) => (path.startsWith("//") ? path : "the file")).slice(0, 300).trim()
}

const failed = (stderr: string, exitCode: number | null): ProviderError => {
  const complaint = complaintOf(stderr)
  return new ProviderError({
    message: complaint === "" ? `yt-dlp ended with code ${exitCode} and without a word. Try it by hand, or bring it up to date.` : `yt-dlp says: ${complaint.replace(/\.*$/u, ".")}`,
    provider,
    reason: reasons.find(([pattern]) => pattern.test(complaint))?.[1] ?? "UNAVAILABLE",
    cause: new Error(stderr)
  })
}

const misunderstood = (message: string, cause: unknown) => new ProviderError({ message, provider, reason: "INVALID_RESPONSE", cause })

/** Neither settings of the user it runs as, nor playlists, nor pages of any other sort: those could be addresses of our own network. */
const standing = ["--ignore-config", "--no-playlist", "--no-warnings", "--no-cache-dir", "--use-extractors", "all,-generic"]

const progressMark = "playhead-progress:"
const fileMark = "playhead-file:"

/** Calls back with each line; chunks may end anywhere. */
const lineReader = (onLine: (line: string) => void) => {
  const decoder = new TextDecoder()
  let rest = ""
  return (chunk: Uint8Array): void => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) onLine(line)
  }
}

/** The JSON behind a mark; undefined for anything else that is printed. */
const marked = (line: string, mark: string): unknown => {
  if (!line.startsWith(mark)) return undefined
  try {
    return JSON.parse(line.slice(mark.length))
  } catch {
    return undefined
  }
}

/** Of a `%(progress)j`: sizes are missing, or only guessed, as long as the page does not tell. */
const fractionOf = (progress: unknown): number | undefined => {
  if (!Predicate.isObject(progress)) return undefined
  const { downloaded_bytes: done, total_bytes: total, total_bytes_estimate: guess } = progress as Readonly<Record<string, unknown>>
  const whole = typeof total === "number" ? total : guess
  return typeof done === "number" && typeof whole === "number" && whole > 0 ? Math.min(1, done / whole) : undefined
}

const shortened = (words: string | null | undefined): string | null => (words === null || words === undefined ? null : Array.from(words.trim()).slice(0, maxText).join("").toWellFormed() || null)

export class VideoPages extends Context.Service<VideoPages, {
  /** Whether there is a program to ask. */
  readonly check: Effect.Effect<void, NotConfiguredError>
  /** Fetches a page's best audio into an empty directory. Whoever calls has seen to it that the address may be visited. */
  readonly fetch: (url: string, directory: string, limits: PageLimits) => Effect.Effect<PageAudio, Refusal>
}>()("playhead/providers/VideoPages") {
  static readonly layer = (settings: { readonly path: string | undefined }) => Layer.succeed(VideoPages, make(settings.path))
}

const make = (program: string | undefined): VideoPages["Service"] => {
  const configured = program === undefined
    ? Effect.fail(new NotConfiguredError({ message: "Pages with a video cannot be imported until YTDLP_PATH names a yt-dlp.", settings: ["YTDLP_PATH"] }))
    : Effect.succeed(program)

  const run = Effect.fnUntraced(function* (args: ReadonlyArray<string>, onOutput: (chunk: Uint8Array) => void) {
    const command = yield* configured
    const outcome = yield* runChild({ command, args: [...standing, ...args], outputs: { fd1: onOutput } }).pipe(
      Effect.mapError(() => new NotConfiguredError({ message: "The program that YTDLP_PATH names cannot be started. Correct it, and see that it may be executed.", settings: ["YTDLP_PATH"] }))
    )
    if (outcome.exitCode !== 0) return yield* failed(outcome.stderr, outcome.exitCode)
  })

  const describe = Effect.fnUntraced(function* (url: string, infoPath: string, limits: PageLimits) {
    const printed: Array<Uint8Array> = []
    yield* run(["--dump-single-json", "--no-download", "--", url], (chunk) => printed.push(chunk))
    const json = Buffer.concat(printed)
    const info = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(PageInfo))(json.toString("utf8")).pipe(
      Effect.mapError((cause) => misunderstood("What yt-dlp says of the page could not be understood. Bring it up to date.", cause))
    )
    if (info._type === "playlist") return yield* new ProviderError({ message: "The page is a list. Name the page of one video.", provider, reason: "REJECTED" })
    if (info.is_live === true) return yield* new ProviderError({ message: "The page is a live stream. Import it once that has ended.", provider, reason: "REJECTED" })
    if ((info.duration ?? 0) * 1000 > limits.maxDurationMs) return yield* limits.tooLong()
    yield* storing("What yt-dlp found could not be written", () => writeFile(infoPath, json))
    return info
  })

  const fetch = Effect.fn("VideoPages.fetch")((url: string, directory: string, limits: PageLimits) =>
    Effect.gen(function* () {
      const infoPath = join(directory, "page.info.json")
      const info = yield* describe(url, infoPath, limits)
      let path: string | undefined
      const readLine = lineReader((line) => {
        const fraction = fractionOf(marked(line, progressMark))
        if (fraction !== undefined) limits.onProgress(fraction)
        const file = marked(line, fileMark)
        if (typeof file === "string") path = file
      })
      yield* run([
        "--load-info-json", infoPath, "--format", "bestaudio/best", "--max-filesize", String(limits.maxBytes), "--no-mtime", "--no-part",
        "--newline", "--progress", "--progress-template", `download:${progressMark}%(progress)j`, "--print", `after_move:${fileMark}%(filepath)j`,
        "--output", join(directory, "audio.%(ext)s")
      ], readLine)
      // It leaves what is too large alone, says so in passing and ends well.
      if (path === undefined) return yield* tooLarge(limits.maxBytes)
      const inside = join(directory, basename(path))
      const { size } = yield* storing("What yt-dlp fetched could not be found", () => stat(inside))
      if (size > limits.maxBytes) return yield* tooLarge(limits.maxBytes, size)
      return {
        path: inside,
        extension: basename(inside).split(".").at(-1) ?? "",
        title: shortened(info.track ?? info.title),
        artist: shortened(info.artist ?? info.uploader),
        album: shortened(info.album)
      }
    }).pipe(
      Effect.timeoutOrElse({
        duration: limits.timeoutMs,
        orElse: () => new TimedOutError({ message: `yt-dlp took longer than ${limits.timeoutMs / 1000} s and was stopped. Try again later, or raise DOWNLOAD_TIMEOUT_SECONDS.`, timeoutMs: limits.timeoutMs })
      })
    ))
  return VideoPages.of({ check: Effect.asVoid(configured), fetch })
}
