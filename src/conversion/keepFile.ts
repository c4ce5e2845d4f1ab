import { stat } from "node:fs/promises"
import { Effect } from "effect"
import type { ChosenEncoding } from "../audio/encoding/chooseEncoding.ts"
import { storing } from "../domain/storageFailure.ts"
import type { MadeFile } from "../processing/result.ts"
import type { Blobs } from "../storage/Blobs.ts"
import { hashFile } from "../storage/hashFile.ts"

/** Moves an encoded file into the store, held by the job. */
export const keepFile = Effect.fnUntraced(function* (blobs: Blobs["Service"], jobId: string, path: string, { channels, encoding, sampleRateHz }: ChosenEncoding) {
  const { sha256, sizeBytes } = yield* storing("The result could not be read", async () => ({ sha256: await hashFile(path), sizeBytes: (await stat(path)).size }))
  yield* blobs.hold(jobId, { path, sha256, sizeBytes })
  const { demuxer, extension, mediaType } = encoding
  return { sha256, sizeBytes, mediaType, extension, demuxer, sampleRateHz: extension === "opus" ? opusRateHz : sampleRateHz, channels } satisfies MadeFile
})

/** Whatever it was encoded from, Opus is decoded at this rate (RFC 7845, 5.1). */
const opusRateHz = 48_000
