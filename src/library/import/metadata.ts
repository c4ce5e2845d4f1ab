import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { readTags } from "../../audio/tags.ts"
import { storing } from "../../domain/storageFailure.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { download } from "./download.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"

const text = Schema.NullOr(Schema.String)

const Metadata = Schema.Struct({
  tags: Schema.Struct({
    title: text,
    artist: text,
    album: text,
    albumArtist: text,
    genres: Schema.Array(Schema.String),
    year: Schema.NullOr(Schema.Int),
    trackNumber: Schema.NullOr(Schema.Int),
    language: text,
    musicBrainzId: text
  }),
  cover: Schema.NullOr(Schema.Struct({ sha256: Schema.String, sizeBytes: Schema.Finite, mediaType: Schema.String }))
})
type Metadata = typeof Metadata.Type

/** Tags and cover, as far as the file has them: a file without, or with unreadable ones, is as good as any other. */
export const readMetadata = (services: ImportServices, original: ReturnType<typeof download>): StageDefinition<ImportOptions, Metadata> => ({
  name: "METADATA",
  weight: 2,
  output: Metadata,
  reuse: (tx, { jobId, output: { cover } }) => cover === null ? Effect.succeed(true) : services.blobs.share(tx, jobId, [cover.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, output, workDirectory }) {
    const path = yield* services.store.localFile(output(original).sha256)
    const { cover, ...tags } = yield* readTags(path)
    if (cover === null) return { output: { tags, cover: null } }
    const coverPath = join(yield* workDirectory, "cover")
    yield* storing("The cover could not be written", () => writeFile(coverPath, cover.bytes))
    const stored = { sha256: createHash("sha256").update(cover.bytes).digest("hex"), sizeBytes: cover.bytes.length }
    yield* services.blobs.hold(jobId, { path: coverPath, ...stored })
    return { output: { tags, cover: { ...stored, mediaType: cover.mediaType } } }
  })
})
