import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { storing } from "../../domain/storageFailure.ts"
import { hashFile } from "../../storage/hashFile.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"
import { tooLong } from "./tooLong.ts"

const Original = Schema.Struct({
  sha256: Schema.String,
  sizeBytes: Schema.Finite,
  /** As the source calls the file. */
  filename: Schema.NullOr(Schema.String),
  /** What its page says of it, where it came from one. */
  page: Schema.optionalKey(Schema.Struct({ title: Schema.NullOr(Schema.String), artist: Schema.NullOr(Schema.String), album: Schema.NullOr(Schema.String) }))
})
type Original = typeof Original.Type

const downloadPage = Effect.fnUntraced(function* (services: ImportServices, jobId: string, url: string, directory: string, onProgress: (fraction: number) => void) {
  const { downloadTimeoutMs, maxBytes, maxDurationMs } = services.limits
  yield* services.outbound.admit(url)
  const { extension, path, ...page } = yield* services.guard.call(
    "yt-dlp",
    services.videoPages.fetch(url, directory, { maxBytes, maxDurationMs, tooLong: () => tooLong(maxDurationMs), timeoutMs: downloadTimeoutMs, onProgress })
  )
  const file = yield* storing("What was fetched could not be read", async () => ({ sha256: await hashFile(path), sizeBytes: (await stat(path)).size }))
  yield* services.blobs.hold(jobId, { path, ...file })
  return { ...file, filename: page.title === null ? null : `${page.title}.${extension}`, page } satisfies Original
})

/** Brings the bytes into the store, whatever they are; from here on they are known by their hash. */
export const download = (services: ImportServices): StageDefinition<ImportOptions, Original> => ({
  name: "DOWNLOAD",
  weight: 30,
  output: Original,
  reuse: (tx, { jobId, output }) => services.blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options: { source }, reportProgress, workDirectory }) {
    if (source._tag === "Stored") return { output: { sha256: source.sha256, sizeBytes: source.sizeBytes, filename: source.filename } }
    if (source._tag === "VideoPage") return { output: yield* downloadPage(services, jobId, source.url, yield* workDirectory, reportProgress) }
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
