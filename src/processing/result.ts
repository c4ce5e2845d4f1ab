/** What becomes of a file that a job has made of a track's audio: it is measured, and then an artifact of the track. */
import { Clock, Effect, Schema } from "effect"
import { analyze } from "../audio/analysis/analyze.ts"
import { demuxers } from "../audio/ffmpeg/input.ts"
import { ResourceLimitError } from "../domain/errors.ts"
import { type ArtifactRole, Loudness, type QualityTier } from "../domain/Track.ts"
import type { StageDefinition, StageRun } from "../jobs/JobKinds.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { ProcessingServices } from "./ProcessingServices.ts"
import { trackGone } from "./source.ts"
import { insertWaveforms, KeptWaveform, keepWaveforms } from "./waveforms.ts"

/** A file in the store, held by the job that made it. */
export const MadeFile = Schema.Struct({
  sha256: Schema.String,
  sizeBytes: Schema.Finite,
  mediaType: Schema.String,
  /** Without the dot. */
  extension: Schema.String,
  demuxer: Schema.Literals(demuxers),
  sampleRateHz: Schema.Int,
  channels: Schema.Int
})
export type MadeFile = typeof MadeFile.Type

export const Measured = Schema.Struct({ durationMs: Schema.Int, loudness: Loudness, waveforms: Schema.Array(KeptWaveform) })
export type Measured = typeof Measured.Type

/** Decodes what was made once more, which proves that it can be, and keeps what was found. */
export const measureResult = <Options>(services: ProcessingServices, limits: { readonly maxDurationMs: number }, made: StageDefinition<Options, MadeFile>): StageDefinition<Options, Measured> => ({
  name: "ANALYZE",
  weight: 20,
  output: Measured,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, output.waveforms.map(({ sha256 }) => sha256)),
  run: Effect.fnUntraced(function* ({ jobId, output, workDirectory }) {
    const file = output(made)
    const path = yield* services.store.localFile(file.sha256)
    const { durationMs, loudness, waveform } = yield* services.provideFFmpeg(analyze({
      path,
      demuxer: file.demuxer,
      sampleRateHz: file.sampleRateHz,
      channels: file.channels,
      declaredDurationMs: null,
      maxDurationMs: limits.maxDurationMs,
      tooLong: () => new ResourceLimitError({ message: "The result is longer than is allowed.", resource: "durationMinutes", limit: limits.maxDurationMs / 60_000 }),
      onProgress: () => {}
    }))
    const waveforms = yield* keepWaveforms(services.blobs, jobId, yield* workDirectory, waveform)
    return { output: { durationMs, loudness, waveforms } }
  })
})

interface Earlier<Options> {
  readonly made: StageDefinition<Options, MadeFile>
  readonly measured: StageDefinition<Options, Measured>
  /** The tier of the method that made it, where there is more than one. */
  readonly qualityOf?: (output: StageRun<Options>["output"]) => QualityTier | null
}

/** Makes the file an artifact of the track, with its waveforms. The last stage: before it nothing of the job can be seen. */
export const storeResult = <Options>(services: ProcessingServices, { made, measured, qualityOf }: Earlier<Options>, role: ArtifactRole): StageDefinition<Options, null> => ({
  name: "STORE",
  weight: 1,
  output: Schema.Null,
  run: Effect.fnUntraced(function* ({ jobId, output, trackId }) {
    const file = output(made)
    const { durationMs, loudness, waveforms } = output(measured)
    const id = yield* services.random.uuidV7()
    const commit = Effect.fnUntraced(function* (tx: Transaction) {
      const [track] = yield* tx.query<{ title: string }>("select title from track where id = $1 for update", [trackId])
      if (track === undefined) return yield* trackGone()
      yield* tx.query(
        `insert into artifact (id, track_id, role, sha256, media_type, size_bytes, filename, duration_ms, integrated_lufs, true_peak_dbtp, range_lu, job_id, created_at, quality)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
        [
          id, trackId, role, file.sha256, file.mediaType, file.sizeBytes, `${track.title}.${file.extension}`, durationMs,
          loudness.integratedLufs, loudness.truePeakDbtp, loudness.rangeLu, jobId, new Date(yield* Clock.currentTimeMillis), qualityOf?.(output) ?? null
        ]
      )
      yield* insertWaveforms(tx, id, waveforms)
    })
    return { output: null, commit }
  })
})
