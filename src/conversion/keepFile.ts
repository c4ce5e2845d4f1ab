import { Effect } from "effect"
import type { ChosenEncoding } from "../audio/encoding/chooseEncoding.ts"
import { holdFile } from "../processing/holdFile.ts"
import type { MadeFile } from "../processing/result.ts"
import type { Blobs } from "../storage/Blobs.ts"

/** Moves an encoded file into the store, held by the job. */
export const keepFile = Effect.fnUntraced(function* (blobs: Blobs["Service"], jobId: string, path: string, { channels, encoding, sampleRateHz }: ChosenEncoding) {
  const { sha256, sizeBytes } = yield* holdFile(blobs, jobId, path)
  const { demuxer, extension, mediaType } = encoding
  return { sha256, sizeBytes, mediaType, extension, demuxer, sampleRateHz: extension === "opus" ? opusRateHz : sampleRateHz, channels } satisfies MadeFile
})

/** Whatever it was encoded from, Opus is decoded at this rate (RFC 7845, 5.1). */
const opusRateHz = 48_000
