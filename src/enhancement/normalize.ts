import { Effect } from "effect"
import { normalize as normalizeLoudness } from "../audio/enhance/normalize.ts"
import type { StageDefinition } from "../jobs/JobKinds.ts"
import { holdFile } from "../processing/holdFile.ts"
import type { ProcessingServices } from "../processing/ProcessingServices.ts"
import { MadeFile } from "../processing/result.ts"
import type { findSource } from "../processing/source.ts"
import type { denoise } from "./denoise.ts"
import type { EnhanceOptions } from "./EnhanceOptions.ts"

interface Earlier {
  readonly source: ReturnType<typeof findSource<EnhanceOptions>>
  readonly denoised: ReturnType<typeof denoise>
}

/** Brings what the denoiser left to the loudness that was asked for. */
export const normalize = (services: ProcessingServices, earlier: Earlier): StageDefinition<EnhanceOptions, MadeFile> => ({
  name: "NORMALIZE",
  weight: 30,
  output: MadeFile,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options, output, reportProgress, workDirectory }) {
    const { channels, sampleRateHz } = output(earlier.source)
    const { durationMs, integratedLufs, sha256, truePeakDbtp } = output(earlier.denoised)
    const normalized = yield* services.provideFFmpeg(normalizeLoudness({
      path: yield* services.store.localFile(sha256),
      sampleRateHz, channels, durationMs, integratedLufs, truePeakDbtp,
      target: options,
      directory: yield* workDirectory,
      onProgress: reportProgress
    }))
    const file = yield* holdFile(services.blobs, jobId, normalized.path)
    return { output: { ...file, mediaType: "audio/flac", extension: "flac", demuxer: "flac", sampleRateHz, channels } satisfies MadeFile }
  })
})
