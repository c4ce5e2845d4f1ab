import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { analyze } from "../../audio/analysis/analyze.ts"
import { terms } from "../../audio/fingerprint/terms.ts"
import { coarsen, encodeDat, type Waveform } from "../../audio/waveform/Waveform.ts"
import { storing } from "../../domain/storageFailure.ts"
import { Loudness } from "../../domain/Track.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { Transaction } from "../../persistence/Database.ts"
import type { download } from "./download.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"
import { type probeOriginal, tooLong } from "./probe.ts"

const Measured = Schema.Struct({ durationMs: Schema.Int, loudness: Loudness })
type Measured = typeof Measured.Type

/** Each resolution is a quarter of the one before: the finest for an editor, the coarsest for a list. */
const resolutions = 4
const coarsening = 4

interface Earlier {
  readonly download: ReturnType<typeof download>
  readonly probe: ReturnType<typeof probeOriginal>
}

/** Decodes the audio once and keeps what was found: duration, loudness, waveforms, fingerprint. */
export const analyzeOriginal = (services: ImportServices, earlier: Earlier): StageDefinition<ImportOptions, Measured> => ({
  name: "ANALYZE",
  weight: 60,
  output: Measured,
  run: Effect.fnUntraced(function* ({ jobId, trackId, output, reportProgress, workDirectory }) {
    const original = output(earlier.download)
    const format = output(earlier.probe)
    const path = yield* services.store.localFile(original.sha256)
    const { durationMs, fingerprint, loudness, waveform } = yield* services.provideFFmpeg(analyze({
      path,
      demuxer: format.demuxer,
      sampleRateHz: format.sampleRateHz,
      channels: format.channels,
      declaredDurationMs: format.declaredDurationMs,
      maxDurationMs: services.limits.maxDurationMs,
      tooLong: () => tooLong(services.limits.maxDurationMs),
      onProgress: (decodedMs) => format.declaredDurationMs !== null && reportProgress(decodedMs / format.declaredDurationMs)
    }))

    const keep = Effect.fnUntraced(function* (drawn: Waveform) {
      const bytes = encodeDat(drawn)
      const sha256 = createHash("sha256").update(bytes).digest("hex")
      const datPath = join(yield* workDirectory, `${drawn.samplesPerPixel}.dat`)
      yield* storing("The waveform could not be written", () => writeFile(datPath, bytes))
      yield* services.blobs.hold(jobId, { path: datPath, sha256, sizeBytes: bytes.length })
      return { samplesPerPixel: drawn.samplesPerPixel, sha256 }
    })
    const waveforms = yield* Effect.forEach(Array.from({ length: resolutions }, (_, level) => level), (level) =>
      keep(level === 0 ? waveform : coarsen(waveform, coarsening ** level)))

    const commit = Effect.fnUntraced(function* (tx: Transaction) {
      const artifacts = yield* tx.query<{ id: string }>(
        `update artifact set duration_ms = $3, integrated_lufs = $4, true_peak_dbtp = $5, range_lu = $6
         where track_id = $1 and job_id = $2 and role = 'ORIGINAL' returning id`,
        [trackId, jobId, durationMs, loudness.integratedLufs, loudness.truePeakDbtp, loudness.rangeLu]
      )
      // The track may have been deleted meanwhile.
      const artifact = artifacts[0]
      if (artifact === undefined) return
      yield* tx.query(
        `insert into waveform (artifact_id, samples_per_pixel, sha256) select $1, w.samples_per_pixel, w.sha256 from unnest($2::int[], $3::text[]) as w(samples_per_pixel, sha256)`,
        [artifact.id, waveforms.map((drawn) => drawn.samplesPerPixel), waveforms.map((drawn) => drawn.sha256)]
      )
      yield* tx.query(
        `update track set duration_ms = $2, integrated_lufs = $3, true_peak_dbtp = $4, range_lu = $5, version = version + 1 where id = $1`,
        [trackId, durationMs, loudness.integratedLufs, loudness.truePeakDbtp, loudness.rangeLu]
      )
      yield* tx.query(
        `insert into fingerprint (track_id, duration_ms, hashes, terms) values ($1, $2, $3, $4)`,
        [trackId, durationMs, [...fingerprint], terms(fingerprint)]
      )
    })
    return { output: { durationMs, loudness }, commit }
  })
})
