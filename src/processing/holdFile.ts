import { stat } from "node:fs/promises"
import { Effect } from "effect"
import { storing } from "../domain/storageFailure.ts"
import type { Blobs } from "../storage/Blobs.ts"
import { hashFile } from "../storage/hashFile.ts"

/** Moves a file that a stage has made into the store, held by the job. */
export const holdFile = Effect.fn("processing.holdFile")(function* (blobs: Blobs["Service"], jobId: string, path: string) {
  const file = yield* storing("The result could not be read", async () => ({ sha256: await hashFile(path), sizeBytes: (await stat(path)).size }))
  yield* blobs.hold(jobId, { path, ...file })
  return file
})
