import { Effect, Schema } from "effect"
import { analyze } from "../../audio/analysis/analyze.ts"
import { terms } from "../../audio/fingerprint/terms.ts"
import { Loudness } from "../../domain/Track.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { Transaction } from "../../persistence/Database.ts"
import { insertWaveforms, keepWaveforms } from "../../processing/waveforms.ts"
import type { download } from "./download.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"
import type { probeOriginal } from "./probe.ts"
import { tooLong } from "./tooLong.ts"

const Measured = Schema.Struct({ durationMs: Schema.Int, loudness: Loudness })
type Measured = typeof Measured.Type

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

    const waveforms = yield* keepWaveforms(services.blobs, jobId, yield* workDirectory, waveform)

    const commit = Effect.fnUntraced(function* (tx: Transaction) {
      const artifacts = yield* tx.query<{ id: string }>(
        `update artifact set duration_ms = $3, integrated_lufs = $4, true_peak_dbtp = $5, range_lu = $6
         where track_id = $1 and job_id = $2 and role = 'ORIGINAL' returning id`,
        [trackId, jobId, durationMs, loudness.integratedLufs, loudness.truePeakDbtp, loudness.rangeLu]
      )
      // The track may have been deleted meanwhile.
      const artifact = artifacts[0]
      if (artifact === undefined) return
      yield* insertWaveforms(tx, artifact.id, waveforms)
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
