import { join } from "node:path"
import { Effect, Schema } from "effect"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"

const Original = Schema.Struct({
  sha256: Schema.String,
  sizeBytes: Schema.Finite,
  /** As the source calls the file. */
  filename: Schema.NullOr(Schema.String)
})
type Original = typeof Original.Type

/** Brings the bytes into the store, whatever they are; from here on they are known by their hash. */
export const download = (services: ImportServices): StageDefinition<ImportOptions, Original> => ({
  name: "DOWNLOAD",
  weight: 30,
  output: Original,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options: { source }, reportProgress, workDirectory }) {
    if (source._tag === "Stored") return { output: { sha256: source.sha256, sizeBytes: source.sizeBytes, filename: source.filename } }
    const path = join(yield* workDirectory, "original")
    const limits = { maxBytes: services.limits.maxBytes, timeoutMs: services.limits.downloadTimeoutMs }
    const received = source._tag === "Url"
      ? yield* services.outbound.download(source.url, path, {
        ...limits,
        onProgress: (bytes, announced) => Effect.sync(() => announced !== undefined && announced > 0 && reportProgress(bytes / announced))
      })
      : yield* services.localFiles.copy(source.path, path, { ...limits, onProgress: (fraction) => Effect.sync(() => reportProgress(fraction)) })
    yield* services.blobs.hold(jobId, { path, sha256: received.sha256, sizeBytes: received.sizeBytes })
    return { output: { sha256: received.sha256, sizeBytes: received.sizeBytes, filename: received.filename ?? null } }
  })
})
