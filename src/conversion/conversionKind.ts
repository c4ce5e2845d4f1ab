/** What the kinds of conversion have in common: each writes a track's original, or a part of it, as another file beside it. */
import { join } from "node:path"
import { Effect, type Schema } from "effect"
import type { ChosenEncoding } from "../audio/encoding/chooseEncoding.ts"
import { encode, type EncodeRequest } from "../audio/encoding/encode.ts"
import type { FFmpeg } from "../audio/FFmpeg.ts"
import type { Failure } from "../domain/errorCatalog.ts"
import type { ArtifactRole } from "../domain/Track.ts"
import type { JobKindDefinition, StageDefinition } from "../jobs/JobKinds.ts"
import { type ProcessingServices, processingServices } from "../processing/ProcessingServices.ts"
import { MadeFile, measureResult, storeResult } from "../processing/result.ts"
import { findSource, type SourceAudio } from "../processing/source.ts"
import { keepFile } from "./keepFile.ts"
import { tagsOf } from "./tagsOf.ts"

/** What is to be written. */
interface Plan extends Pick<EncodeRequest, "part"> {
  readonly encoding: ChosenEncoding
}

interface Original extends SourceAudio {
  readonly path: string
}

interface ConversionDefinition<Options> {
  /** Of the job, and of the stage that converts. */
  readonly kind: "TRANSCODE" | "TRIM"
  readonly options: Schema.Codec<Options, unknown>
  /** Of what it makes. */
  readonly role: ArtifactRole
  /** How much of the stage's time making the plan takes, 0 to 1. */
  readonly planningShare: number
  /** `onProgress` is told how much of the original was looked at. */
  readonly plan: (options: Options, original: Original, onProgress: (doneMs: number) => void) => Effect.Effect<Plan, Failure, FFmpeg>
}

const convert = <Options>(
  services: ProcessingServices,
  { kind, plan, planningShare }: ConversionDefinition<Options>,
  source: StageDefinition<Options, SourceAudio>
): StageDefinition<Options, MadeFile> => ({
  name: kind,
  weight: 60,
  output: MadeFile,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options, output, reportProgress, trackId, workDirectory }) {
    const found = output(source)
    const { bitDepth, demuxer, durationMs, sha256 } = found
    const report = (from: number, share: number) => (doneMs: number) => durationMs > 0 && reportProgress(from + share * Math.min(1, doneMs / durationMs))
    const path = yield* services.store.localFile(sha256)
    const { encoding, ...part } = yield* services.provideFFmpeg(plan(options, { ...found, path }, report(0, planningShare)))
    const toPath = join(yield* workDirectory, "converted")
    yield* services.provideFFmpeg(encode({
      fromPath: path,
      demuxer,
      bitDepth,
      toPath,
      encoding,
      ...part,
      tags: yield* tagsOf(services.database, trackId),
      onProgress: report(planningShare, 1 - planningShare)
    }))
    return { output: yield* keepFile(services.blobs, jobId, toPath, encoding) }
  })
})

export const conversionKind = <Options>(definition: ConversionDefinition<Options>) =>
  Effect.fnUntraced(function* (limits: { readonly maxDurationMs: number }) {
    const { kind, options, role } = definition
    const services = yield* processingServices
    const source = findSource<Options>(services)
    const made = convert(services, definition, source)
    const measured = measureResult(services, limits, made)
    return { kind, options, needsTrack: true, stages: [source, made, measured, storeResult(services, { made, measured }, role)] } satisfies JobKindDefinition<Options>
  })
