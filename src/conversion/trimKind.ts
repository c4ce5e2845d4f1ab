import { join } from "node:path"
import { Effect, Schema } from "effect"
import { findSilentEnds } from "../audio/analysis/findSilentEnds.ts"
import { encode } from "../audio/encoding/encode.ts"
import { AudioProcessingError } from "../domain/errors.ts"
import type { JobKindDefinition, StageDefinition } from "../jobs/JobKinds.ts"
import { type ProcessingServices, processingServices } from "../processing/ProcessingServices.ts"
import { MadeFile, measureResult, storeResult } from "../processing/result.ts"
import { findSource } from "../processing/source.ts"
import { keepFile } from "./keepFile.ts"
import { tagsOf } from "./tagsOf.ts"
import { encodingFor } from "./transcodeKind.ts"

export const TrimOptions = Schema.Struct({
  /** Of the full scale: what stays below it is silence. */
  thresholdDb: Schema.Finite,
  /** How much of the silence stays at each end. */
  keepMs: Schema.Finite
})
export type TrimOptions = typeof TrimOptions.Type

/** Finding the ends takes about as long as writing what is between them. */
const searchShare = 0.5

/** Cuts to the sample, which no frame of a lossy format would allow, and writes FLAC, so that nothing is lost a second time. */
const trim = (services: ProcessingServices, source: ReturnType<typeof findSource<TrimOptions>>): StageDefinition<TrimOptions, MadeFile> => ({
  name: "TRIM",
  weight: 60,
  output: MadeFile,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options: { keepMs, thresholdDb }, output, reportProgress, trackId, workDirectory }) {
    const original = output(source)
    const { channels, demuxer, durationMs, sampleRateHz } = original
    const report = (from: number, share: number) => (doneMs: number) => durationMs > 0 && reportProgress(from + share * Math.min(1, doneMs / durationMs))
    const path = yield* services.store.localFile(original.sha256)
    const { sound, totalFrames } = yield* services.provideFFmpeg(findSilentEnds({ path, demuxer, sampleRateHz, channels, thresholdDb, onProgress: report(0, searchShare) }))
    if (sound === null) {
      return yield* new AudioProcessingError({ message: `Nothing of the recording is louder than ${thresholdDb} dB: nothing would be left. Choose a lower threshold.`, stage: "TRIM" })
    }
    const keptFrames = Math.round((keepMs / 1000) * sampleRateHz)
    const encoding = yield* encodingFor({ format: "FLAC", bitrateKbps: null, sampleRateHz: null }, original)
    const toPath = join(yield* workDirectory, "trimmed")
    yield* services.provideFFmpeg(encode({
      fromPath: path,
      demuxer,
      bitDepth: original.bitDepth,
      toPath,
      encoding,
      part: { startSample: Math.max(0, sound.firstFrame - keptFrames), endSample: Math.min(totalFrames, sound.lastFrame + 1 + keptFrames) },
      tags: yield* tagsOf(services.database, trackId),
      onProgress: report(searchShare, 1 - searchShare)
    }))
    return { output: yield* keepFile(services.blobs, jobId, toPath, encoding) }
  })
})

/** TRIM: a track's original without the silence at both ends, beside it. */
export const trimKind = Effect.fnUntraced(function* (limits: { readonly maxDurationMs: number }) {
  const services = yield* processingServices
  const source = findSource<TrimOptions>(services)
  const made = trim(services, source)
  const measured = measureResult(services, limits, made)
  return {
    kind: "TRIM",
    options: TrimOptions,
    stages: [source, made, measured, storeResult(services, { made, measured }, "TRIMMED")]
  } satisfies JobKindDefinition<TrimOptions>
})
