/** A speech-denoising network that the operator supplies, run by sherpa-onnx in a process of its own. */
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { AudioProcessingError, NotConfiguredError, ProviderError, TimedOutError } from "../../domain/errors.ts"
import { runChild } from "../ffmpeg/childProcess.ts"
import { diesWithParent } from "../ffmpeg/program.ts"
import type { SpeechModelTask } from "./speechModel.process.ts"

export interface SpeechModel {
  /** DENOISER_MODEL_PATH: an ONNX file of the GTCRN or DPDFNet family, made for sherpa-onnx. */
  readonly path: string
  readonly timeoutMs: number
}

export interface SpeechModelRequest extends Omit<SpeechModelTask, "modelPath"> {
  readonly onProgress: (fraction: number) => void
}

const setting = "DENOISER_MODEL_PATH"

/** What there is to run models with, looked up without loading it. */
const isInstalled = (): boolean => {
  try {
    createRequire(import.meta.url).resolve("sherpa-onnx-node")
    return true
  } catch {
    return false
  }
}

/**
 * Denoises a file of headerless samples into another, at the model's own rate.
 *
 * In a process and not in a thread: when sherpa-onnx finds a model file broken, or of another kind, it ends the process
 * that it runs in (`exit`, or `abort` for an exception that nobody can catch), and with it would go the server.
 */
export const applySpeechModel = Effect.fn("audio.applySpeechModel")(function* (model: SpeechModel | undefined, request: SpeechModelRequest) {
  if (model === undefined) {
    return yield* new NotConfiguredError({ message: `No speech-denoising model is configured. Set ${setting} to an ONNX model for sherpa-onnx.`, settings: [setting] })
  }
  if (!isInstalled()) {
    return yield* new NotConfiguredError({ message: `The package that runs ${setting} is not installed. Install the optional dependencies (npm ci --include=optional).`, settings: [setting] })
  }
  const { onProgress, ...task } = request
  const [command, ...words] = [...(yield* diesWithParent), process.execPath]
  let reported = ""
  let sampleRateHz = 0
  const outcome = yield* runChild({
    command,
    args: [...words, fileURLToPath(new URL("./speechModel.process.ts", import.meta.url)), JSON.stringify({ ...task, modelPath: model.path } satisfies SpeechModelTask)],
    outputs: {
      fd3: (chunk) => {
        const lines = (reported + Buffer.from(chunk).toString("utf8")).split("\n")
        reported = lines.pop() ?? ""
        for (const line of lines) {
          const [word, value] = line.split(" ")
          if (word === "rate") sampleRateHz = Number(value)
          if (word === "progress") onProgress(Number(value))
        }
      }
    }
  }).pipe(
    Effect.mapError((cause) => new AudioProcessingError({ message: "The speech-denoising model could not be started.", cause })),
    Effect.timeoutOrElse({
      duration: model.timeoutMs,
      orElse: () => new TimedOutError({ message: `The speech-denoising model took longer than ${model.timeoutMs / 1000} s and was stopped. Try a shorter file, or raise FFMPEG_TIMEOUT_SECONDS.`, timeoutMs: model.timeoutMs })
    })
  )
  if (outcome.exitCode !== 0 || sampleRateHz === 0) {
    const advice = "Set it to a GTCRN or DPDFNet model in ONNX format."
    const cause = new Error(outcome.stderr)
    // The one is wrong with every recording, and wants an operator; the other may be wrong with this one.
    return yield* sampleRateHz === 0
      ? new ProviderError({ message: `The file of ${setting} is not a speech-denoising model that sherpa-onnx can load. ${advice}`, provider: "sherpa-onnx", reason: "UNAVAILABLE", cause })
      : new AudioProcessingError({ message: `The model of ${setting} failed on this recording. ${advice}`, cause })
  }
  return { sampleRateHz }
})
