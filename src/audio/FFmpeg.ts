import { access, constants } from "node:fs/promises"
import { Context, Effect, Layer, Semaphore } from "effect"
import { AudioProcessingError, TimedOutError } from "../domain/errors.ts"
import { type FFmpegProgram, locateFFmpeg } from "./ffmpeg/locate.ts"
import { runProcess } from "./ffmpeg/runProcess.ts"
import { complaint } from "./ffmpeg/StderrTail.ts"

export interface FFmpegSettings {
  /** Of the program; undefined to look for it. */
  readonly path: string | undefined
  /** Where to look, as in `PATH`. */
  readonly searchPath: string
  readonly timeoutMs: number
  /** How many may run at once; others wait. */
  readonly maxProcesses: number
}

export interface FFmpegRequest {
  /** Without the program and the standing flags; inputs by `input()`. */
  readonly args: ReadonlyArray<string>
  /** What to do with each chunk of `pipe:3`, `pipe:4`, …, counted from 3: called at once, and slow calls slow ffmpeg down. */
  readonly outputs?: { readonly [fd: `fd${number}`]: (chunk: Uint8Array) => void }
  /** For filters that report there. */
  readonly onStderrLine?: (line: string) => void
  /** Default: the layer's. */
  readonly timeoutMs?: number
}

/**
 * Ends ffmpeg together with this process even when it is killed with -9; part of util-linux. `execve` keeps the setting,
 * and it is sent when the thread that started the child ends, which for Node.js is the main one.
 */
const setpriv = "/usr/bin/setpriv"

/** The one way to run ffmpeg. */
export class FFmpeg extends Context.Service<FFmpeg, {
  readonly program: FFmpegProgram
  /** Runs ffmpeg to its end; interruption and timeout end it and all it started. A failure says what ffmpeg complained of. */
  readonly run: (request: FFmpegRequest) => Effect.Effect<{ readonly stderr: string }, AudioProcessingError | TimedOutError>
}>()("playhead/audio/FFmpeg") {
  static readonly layer = (settings: FFmpegSettings) =>
    Layer.effect(
      FFmpeg,
      Effect.gen(function* () {
        const program = yield* locateFFmpeg(settings)
        const slots = yield* Semaphore.make(settings.maxProcesses)
        const dieTogether = yield* Effect.promise(() => access(setpriv, constants.X_OK).then(() => process.platform === "linux", () => false))
        const command = dieTogether ? setpriv : program.path
        const prefix = dieTogether ? ["--pdeathsig", "KILL", "--", program.path] : []

        const run = Effect.fn("FFmpeg.run")(function* (request: FFmpegRequest) {
          const timeoutMs = request.timeoutMs ?? settings.timeoutMs
          const result = yield* runProcess({
            command,
            args: [...prefix, "-nostdin", "-hide_banner", ...request.args],
            outputs: Object.entries(request.outputs ?? {}).toSorted(([a], [b]) => a.localeCompare(b, "en", { numeric: true })).map(([, consume]) => consume),
            onStderrLine: request.onStderrLine ?? (() => {})
          }).pipe(
            Effect.mapError((cause) => new AudioProcessingError({ message: "ffmpeg could not be started. Ask the operator to look at the log.", cause })),
            Effect.timeoutOrElse({
              duration: timeoutMs,
              orElse: () => Effect.fail(new TimedOutError({ message: `Processing took longer than ${timeoutMs / 1000} s and was stopped.`, timeoutMs }))
            })
          )
          if (result.exitCode !== 0) {
            return yield* new AudioProcessingError({
              message: `The audio could not be processed: ${complaint(result.stderr)}.`,
              cause: new Error(`ffmpeg ended with ${result.signal ?? result.exitCode}: ${result.stderr}`)
            })
          }
          return { stderr: result.stderr }
        }, slots.withPermit)

        return FFmpeg.of({ program, run })
      })
    )
}
