import { Effect } from "effect"
import { measure as measureRecording } from "../audio/enhance/measure.ts"
import { judgeDuration, judgeLoudness, silenceLufs } from "../audio/enhance/thresholds.ts"
import type { StageDefinition } from "../jobs/JobKinds.ts"
import type { ProcessingServices } from "../processing/ProcessingServices.ts"
import { type MadeFile, Measured } from "../processing/result.ts"
import { keepWaveforms } from "../processing/waveforms.ts"
import type { denoise } from "./denoise.ts"
import type { EnhanceOptions } from "./EnhanceOptions.ts"

interface Earlier {
  readonly denoised: ReturnType<typeof denoise>
  readonly normalized: StageDefinition<EnhanceOptions, MadeFile>
}

/** Holds the finished file to what was asked for: nothing that falls short becomes an artifact. */
export const measure = (services: ProcessingServices, earlier: Earlier): StageDefinition<EnhanceOptions, Measured> => ({
  name: "MEASURE",
  weight: 20,
  output: Measured,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, output.waveforms.map(({ sha256 }) => sha256)),
  run: Effect.fnUntraced(function* ({ jobId, options, output, reportProgress, workDirectory }) {
    const cleaned = output(earlier.denoised)
    const { channels, sampleRateHz, sha256 } = output(earlier.normalized)
    const path = yield* services.store.localFile(sha256)
    const { durationMs, loudness, waveform } = yield* services.provideFFmpeg(measureRecording(
      { path, demuxer: "flac", sampleRateHz, channels },
      (decodedMs) => reportProgress(decodedMs / Math.max(1, cleaned.durationMs))
    ))
    const fault = judgeLoudness(options, { ...loudness, isSilent: cleaned.integratedLufs < silenceLufs }) ?? judgeDuration(cleaned.originalDurationMs, durationMs)
    if (fault !== undefined) return yield* fault
    yield* Effect.logInfo("The enhanced recording was measured", {
      loudnessErrorLu: loudness.integratedLufs - options.targetLufs, truePeakDbtp: loudness.truePeakDbtp,
      originalSnrDb: cleaned.originalSnrDb, floorReductionDb: cleaned.floorReductionDb, quality: cleaned.quality
    })
    return { output: { durationMs, loudness, waveforms: yield* keepWaveforms(services.blobs, jobId, yield* workDirectory, waveform) } }
  })
})
