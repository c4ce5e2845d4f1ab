import { Effect, Schema } from "effect"
import { denoiseBasic, denoiseHigh, denoiseMedium, leaveNoise } from "../audio/enhance/denoise.ts"
import { inspect, type Inspection } from "../audio/enhance/inspect.ts"
import type { SpeechModel } from "../audio/enhance/speechModel.ts"
import { cleanSpeechSnrDb, unsuitableForRnnoise } from "../audio/enhance/thresholds.ts"
import type { Failure } from "../domain/errorCatalog.ts"
import type { ProviderName } from "../domain/Provider.ts"
import { QualityTier } from "../domain/Track.ts"
import type { StageDefinition } from "../jobs/JobKinds.ts"
import type { Guard } from "../providers/guard/Guard.ts"
import { climbDown } from "../providers/ladder.ts"
import { holdFile } from "../processing/holdFile.ts"
import type { ProcessingServices } from "../processing/ProcessingServices.ts"
import type { findSource } from "../processing/source.ts"
import type { EnhanceOptions } from "./EnhanceOptions.ts"

const Cleaned = Schema.Struct({
  /** Of a FLAC, before it is brought to its loudness. */
  sha256: Schema.String,
  sizeBytes: Schema.Finite,
  durationMs: Schema.Int,
  integratedLufs: Schema.Finite,
  truePeakDbtp: Schema.Finite,
  /** The tier that served; null where noise was to be left. */
  quality: Schema.NullOr(QualityTier),
  /** How noisy the original was, where that could be told. */
  originalSnrDb: Schema.NullOr(Schema.Finite),
  originalDurationMs: Schema.Int,
  /** By how much the background is lower, at equal loudness of the rest. */
  floorReductionDb: Schema.NullOr(Schema.Finite)
})
export type Cleaned = typeof Cleaned.Type

/** Where to begin when the client does not say: with the best that is set up and made for such a recording. */
const suitedTier = (inspection: Inspection, model: SpeechModel | undefined): QualityTier => {
  const isNoisySpeech = inspection.isSpeech && inspection.snrDb !== null && inspection.snrDb < cleanSpeechSnrDb
  if (model !== undefined && isNoisySpeech) return "HIGH"
  return unsuitableForRnnoise(inspection) === undefined ? "MEDIUM" : "BASIC"
}

/** Looking at the recording takes about as long as a fifth of the whole. */
const inspectionShare = 0.2

/** Takes noise out of the original, in the best way that works. */
export const denoise = (
  services: ProcessingServices & { readonly guard: Guard["Service"] },
  model: SpeechModel | undefined,
  source: ReturnType<typeof findSource<EnhanceOptions>>
): StageDefinition<EnhanceOptions, Cleaned> => ({
  name: "DENOISE",
  weight: 60,
  output: Cleaned,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options, output, reportDegradation, reportProgress, workDirectory }) {
    const original = output(source)
    const file = { path: yield* services.store.localFile(original.sha256), demuxer: original.demuxer, sampleRateHz: original.sampleRateHz, channels: original.channels }
    const inspection = yield* services.provideFFmpeg(inspect({ ...file, durationMs: original.durationMs }))
    reportProgress(inspectionShare)
    const request = {
      file, inspection, directory: yield* workDirectory,
      onProgress: (fraction: number) => reportProgress(inspectionShare + (1 - inspectionShare) * fraction)
    }
    const cost = { audio_seconds: Math.ceil(inspection.durationMs / 1000) }
    const rung = <A, E extends Failure>(tier: QualityTier, provider: ProviderName, name: string, run: Effect.Effect<A, E>) =>
      ({ tier, name, run: services.guard.call(provider, run, cost) })
    const ladder = climbDown({
      rungs: [
        rung("HIGH", "sherpa-onnx", "a speech model", services.provideFFmpeg(denoiseHigh(model)(request))),
        rung("MEDIUM", "rnnoise", "RNNoise", services.provideFFmpeg(denoiseMedium(request))),
        rung("BASIC", "afftdn", "spectral subtraction", services.provideFFmpeg(denoiseBasic(request)))
      ],
      from: options.quality ?? suitedTier(inspection, model),
      minimumQuality: options.minimumQuality,
      onStepDown: reportDegradation
    })
    const { tier, value } = options.denoise ? yield* ladder : { tier: null, value: yield* services.provideFFmpeg(leaveNoise(request)) }
    const { sha256, sizeBytes } = yield* holdFile(services.blobs, jobId, value.path)
    const [before, after] = [inspection.floorDbfs, value.noise.floorDbfs]
    return {
      output: {
        sha256, sizeBytes,
        durationMs: value.durationMs, integratedLufs: value.integratedLufs, truePeakDbtp: value.truePeakDbtp,
        quality: tier,
        originalSnrDb: inspection.snrDb,
        originalDurationMs: inspection.durationMs,
        floorReductionDb: before === null || after === null ? null : before - (after - value.gainDb)
      },
      ...(tier === null ? {} : { quality: tier })
    }
  })
})
