/** The waveforms of an artifact, as they are kept. */
import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { coarsen, encodeDat, type Waveform } from "../audio/waveform/Waveform.ts"
import { storing } from "../domain/storageFailure.ts"
import type { Transaction } from "../persistence/Database.ts"
import type { Blobs } from "../storage/Blobs.ts"

/** Each resolution is a quarter of the one before: the finest for an editor, the coarsest for a list. */
const resolutions = 4
const coarsening = 4

export const KeptWaveform = Schema.Struct({ samplesPerPixel: Schema.Int, sha256: Schema.String })
export type KeptWaveform = typeof KeptWaveform.Type

/** Stores a waveform in all its resolutions, held by the job; `directory` is for files in the making. */
export const keepWaveforms = Effect.fn("processing.keepWaveforms")((blobs: Blobs["Service"], jobId: string, directory: string, finest: Waveform) =>
  Effect.forEach(Array.from({ length: resolutions }, (_, level) => level), (level) =>
    Effect.gen(function* () {
      const drawn = level === 0 ? finest : coarsen(finest, coarsening ** level)
      const bytes = encodeDat(drawn)
      const sha256 = createHash("sha256").update(bytes).digest("hex")
      const path = join(directory, `${drawn.samplesPerPixel}.dat`)
      yield* storing("The waveform could not be written", () => writeFile(path, bytes))
      yield* blobs.hold(jobId, { path, sha256, sizeBytes: bytes.length })
      return { samplesPerPixel: drawn.samplesPerPixel, sha256 } satisfies KeptWaveform
    })))

export const insertWaveforms = (tx: Transaction, artifactId: string, waveforms: ReadonlyArray<KeptWaveform>) =>
  tx.query(
    `insert into waveform (artifact_id, samples_per_pixel, sha256) select $1, w.samples_per_pixel, w.sha256 from unnest($2::int[], $3::text[]) as w(samples_per_pixel, sha256)`,
    [artifactId, waveforms.map((drawn) => drawn.samplesPerPixel), waveforms.map((drawn) => drawn.sha256)]
  )
