import { join } from "node:path"
import { Effect, Schema } from "effect"
import { chooseEncoding, isChosen } from "../audio/encoding/chooseEncoding.ts"
import { encode } from "../audio/encoding/encode.ts"
import { InvalidInputError } from "../domain/errors.ts"
import { AudioFormat } from "../domain/Track.ts"
import type { JobKindDefinition, StageDefinition } from "../jobs/JobKinds.ts"
import { type ProcessingServices, processingServices } from "../processing/ProcessingServices.ts"
import { MadeFile, measureResult, storeResult } from "../processing/result.ts"
import { findSource } from "../processing/source.ts"
import { keepFile } from "./keepFile.ts"
import { tagsOf } from "./tagsOf.ts"

export const TranscodeOptions = Schema.Struct({
  format: AudioFormat,
  /** Null for what is usual in the format. */
  bitrateKbps: Schema.NullOr(Schema.Int),
  /** Null for the source's own, or what is nearest to it. */
  sampleRateHz: Schema.NullOr(Schema.Int)
})
export type TranscodeOptions = typeof TranscodeOptions.Type

/** What a source is encoded as; a wish that its channels and rate do not allow is the client's fault. */
export const encodingFor = Effect.fnUntraced(function* (options: TranscodeOptions, source: { readonly sampleRateHz: number; readonly channels: number }) {
  const choice = chooseEncoding(options, source)
  if (isChosen(choice)) return choice
  return yield* new InvalidInputError({
    message: `${choice.map((issue) => issue.message).join("; ")}.`,
    issues: choice.map((issue) => ({ ...issue, path: ["options", ...issue.path] }))
  })
})

const transcode = (services: ProcessingServices, source: ReturnType<typeof findSource<TranscodeOptions>>): StageDefinition<TranscodeOptions, MadeFile> => ({
  name: "TRANSCODE",
  weight: 60,
  output: MadeFile,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options, output, reportProgress, trackId, workDirectory }) {
    const original = output(source)
    const encoding = yield* encodingFor(options, original)
    const toPath = join(yield* workDirectory, "transcoded")
    yield* services.provideFFmpeg(encode({
      fromPath: yield* services.store.localFile(original.sha256),
      demuxer: original.demuxer,
      bitDepth: original.bitDepth,
      toPath,
      encoding,
      tags: yield* tagsOf(services.database, trackId),
      onProgress: (encodedMs) => original.durationMs > 0 && reportProgress(encodedMs / original.durationMs)
    }))
    return { output: yield* keepFile(services.blobs, jobId, toPath, encoding) }
  })
})

/** TRANSCODE: a track's original in another format, beside it. */
export const transcodeKind = Effect.fnUntraced(function* (limits: { readonly maxDurationMs: number }) {
  const services = yield* processingServices
  const source = findSource<TranscodeOptions>(services)
  const made = transcode(services, source)
  const measured = measureResult(services, limits, made)
  return {
    kind: "TRANSCODE",
    options: TranscodeOptions,
    stages: [source, made, measured, storeResult(services, { made, measured }, "TRANSCODED")]
  } satisfies JobKindDefinition<TranscodeOptions>
})
