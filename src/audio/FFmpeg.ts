/** ffmpeg as a service: how many run at once, for how long, what they may reach, and what is left of them (nothing). */
import { Context, Effect, Layer, Metric, Semaphore } from "effect"
import { AudioProcessingError, TimedOutError } from "../domain/errors.ts"
import { observeGauge } from "../domain/observe.ts"
import { type ChildOutcome, runChild } from "./ffmpeg/childProcess.ts"
import { lastCause } from "./ffmpeg/failureMessage.ts"
import { areInputsGuarded } from "./ffmpeg/input.ts"
import { diesWithParent, findProgram, type FFmpegStartError, type Program } from "./ffmpeg/program.ts"

export interface FFmpegRequest {
  /** Without the program and the standing flags. Inputs are written with `input` of ffmpeg/input.ts. */
  readonly args: ReadonlyArray<string>
  /**
   * Output pipes: a consumer called synchronously for each chunk of pipe:3, pipe:4 and so on (`fd3`, `fd4`). The chunk
   * is the consumer's to keep. What it throws ends ffmpeg and is a defect.
   */
  readonly outputs?: { readonly [fd: `fd${number}`]: (chunk: Uint8Array) => void }
  /** For filters that report there, such as ebur128. */
  readonly onStderrLine?: (line: string) => void
  /** Counted from the start of the process, not of the wait for a free place. Default: the layer's. */
  readonly timeoutMs?: number
}

export interface FFmpegSettings {
  /** FFMPEG_PATH. */
  readonly path: string | undefined
  readonly timeoutMs: number
  readonly maxProcesses: number
}

const slots = Metric.gauge("playhead_ffmpeg_slots", { description: "How many ffmpeg processes this node runs at once." })
const occupied = Metric.gauge("playhead_ffmpeg_processes", { description: "ffmpeg processes that run on this node." })
const waiting = Metric.gauge("playhead_ffmpeg_requests_waiting", { description: "Work on this node that waits until an ffmpeg process may be started." })

const standingFlags = ["-nostdin", "-hide_banner", "-nostats"]

const failure = (outcome: ChildOutcome, args: ReadonlyArray<string>) => {
  const paths = args.flatMap((arg) => (arg.includes("/") ? [arg, arg.replace(/^file:/u, "")] : []))
  const why = outcome.signal === null
    ? (lastCause(outcome.stderr, paths) ?? `ffmpeg ended with code ${outcome.exitCode}`)
    : `ffmpeg was ended by ${outcome.signal}`
  return new AudioProcessingError({
    message: `The audio could not be processed: ${why.replace(/[.!]*$/u, ".")} Check that the file plays and is complete.`,
    cause: new Error(outcome.stderr)
  })
}

export class FFmpeg extends Context.Service<FFmpeg, {
  /** Which program serves and where it was found. */
  readonly program: Program
  /** Runs ffmpeg to its end. Interruption or timeout kills the whole process group (SIGTERM, then SIGKILL) and waits for it. */
  readonly run: (request: FFmpegRequest) => Effect.Effect<{ readonly stderr: string }, AudioProcessingError | TimedOutError>
}>()("playhead/audio/FFmpeg") {
  static readonly layer = (settings: FFmpegSettings): Layer.Layer<FFmpeg, FFmpegStartError> =>
    Layer.effect(
      FFmpeg,
      Effect.gen(function*() {
        const program = yield* findProgram(settings.path)
        if (program.origin === "BUNDLED") {
          yield* Effect.logWarning(`Using the bundled ffmpeg ${program.version}. A distribution's ffmpeg gets security fixes: install it, or set FFMPEG_PATH.`)
        }
        const [command, ...words] = [...(yield* diesWithParent), program.path]
        const places = yield* Semaphore.make(settings.maxProcesses)
        let processes = 0
        let requests = 0
        yield* observeGauge(slots, () => settings.maxProcesses)
        yield* observeGauge(occupied, () => processes)
        yield* observeGauge(waiting, () => requests - processes)
        const counted = <A, E, R>(change: (by: 1 | -1) => void, work: Effect.Effect<A, E, R>) =>
          Effect.acquireUseRelease(Effect.sync(() => change(1)), () => work, () => Effect.sync(() => change(-1)))

        const run = Effect.fn("FFmpeg.run")(function*(request: FFmpegRequest) {
          if (!areInputsGuarded(request.args)) {
            return yield* Effect.die(new Error("An ffmpeg input without a protocol whitelist: write inputs with ffmpeg/input.ts"))
          }
          const timeoutMs = request.timeoutMs ?? settings.timeoutMs
          const child = runChild({
            command,
            args: [...words, ...standingFlags, ...request.args],
            outputs: request.outputs,
            onStderrLine: request.onStderrLine
          })
          const outcome = yield* counted((by) => { processes += by }, child).pipe(
            // It ran when the layer started: the machine has lost it since, or is out of processes.
            Effect.orDie,
            Effect.timeoutOrElse({
              duration: timeoutMs,
              orElse: () =>
                new TimedOutError({ message: `ffmpeg took longer than ${timeoutMs / 1_000} s and was stopped. Try a shorter file, or raise FFMPEG_TIMEOUT_SECONDS.`, timeoutMs })
            }),
            places.withPermits(1),
            (work) => counted((by) => { requests += by }, work)
          )
          if (outcome.exitCode !== 0) return yield* failure(outcome, request.args)
          return { stderr: outcome.stderr }
        })

        return FFmpeg.of({ program, run })
      })
    )
}
