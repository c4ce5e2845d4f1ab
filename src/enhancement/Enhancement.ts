/** Better-sounding copies of recordings: without noise, at the loudness that was asked for. */
import { Context, Effect, Layer } from "effect"
import { type ConflictError, type IdempotencyConflictError, InvalidInputError, NotConfiguredError, type NotFoundError } from "../domain/errors.ts"
import { tierRank } from "../providers/ladder.ts"
import { jobStarter, type StartedJob } from "../processing/startJob.ts"
import { type EnhanceOptions, targetLufsRange, truePeakDbtpRange } from "./EnhanceOptions.ts"

export interface EnhanceRequest {
  /** A bare uuid. */
  readonly trackId: string
  readonly options: EnhanceOptions
  readonly idempotencyKey: string | undefined
}

const outside = (name: keyof EnhanceOptions, value: number, [lowest, highest]: readonly [number, number], unit: string) =>
  value >= lowest && value <= highest ? [] : [{ path: ["options", name], message: `${name} must be from ${lowest} to ${highest} ${unit}` }]

const faults = ({ minimumQuality, quality, targetLufs, truePeakDbtp }: EnhanceOptions) => [
  ...outside("targetLufs", targetLufs, targetLufsRange, "LUFS"),
  ...outside("truePeakDbtp", truePeakDbtp, truePeakDbtpRange, "dBTP"),
  ...(quality !== null && tierRank(quality) > tierRank(minimumQuality)
    ? [{ path: ["options", "minimumQuality"], message: `minimumQuality must not be above quality, which is ${quality}` }]
    : [])
]

export class Enhancement extends Context.Service<Enhancement, {
  /** Submits an ENHANCE. What can be seen to be impossible is refused at once. */
  readonly enhance: (request: EnhanceRequest) => Effect.Effect<StartedJob, InvalidInputError | NotConfiguredError | NotFoundError | ConflictError | IdempotencyConflictError>
}>()("playhead/enhancement/Enhancement") {
  static readonly layer = (settings: { readonly hasSpeechModel: boolean }) =>
    Layer.effect(
      Enhancement,
      Effect.gen(function* () {
        const startJob = yield* jobStarter
        const enhance = Effect.fn("Enhancement.enhance")(function* (request: EnhanceRequest) {
          const { options } = request
          const issues = faults(options)
          if (issues.length > 0) return yield* new InvalidInputError({ message: `The input is not valid: ${issues.map(({ message }) => message).join("; ")}.`, issues })
          if (options.denoise && options.minimumQuality === "HIGH" && !settings.hasSpeechModel) {
            return yield* new NotConfiguredError({
              message: "The quality HIGH needs a speech-denoising model, and none is configured. Set DENOISER_MODEL_PATH, or ask for a lower minimumQuality.",
              settings: ["DENOISER_MODEL_PATH"]
            })
          }
          return yield* startJob({ kind: "ENHANCE", ...request })
        })
        return Enhancement.of({ enhance })
      })
    )
}
