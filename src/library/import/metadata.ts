import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { cleanText, imageMediaType } from "../../audio/tags/cleanTags.ts"
import type { Tags } from "../../audio/tags/Tags.ts"
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

/** What the catalogue adds to thin tags. Nothing that the file or the client says is replaced. */
const completed = Effect.fnUntraced(function* ({ lookup }: ImportServices, options: ImportOptions, tags: Tags) {
  const artist = options.artist ?? tags.artist
  const title = options.title ?? tags.title
  const lacks = [options.album ?? tags.album, tags.year, tags.cover].includes(null)
  if (artist === null || title === null || !lacks) return tags
  const found = yield* lookup.find({ artist, title })
  if (found === null) return tags
  const picture = tags.cover === null ? yield* lookup.cover(found) : null
  const mediaType = picture === null ? undefined : imageMediaType(picture)
  return {
    ...tags,
    album: tags.album ?? cleanText(found.album ?? undefined),
    genres: tags.genres.length > 0 || found.genre === null ? tags.genres : [cleanText(found.genre, 50)].filter((genre) => genre !== null),
    year: tags.year ?? found.year,
    trackNumber: tags.trackNumber ?? found.trackNumber,
    cover: picture === null || mediaType === undefined ? tags.cover : { mediaType, bytes: picture }
  }
})

/** Tags and cover, as far as the file has them: a file without, or with unreadable ones, is as good as any other. */
export const readMetadata = (services: ImportServices, original: ReturnType<typeof download>): StageDefinition<ImportOptions, Metadata> => ({
  name: "METADATA",
  weight: 2,
  output: Metadata,
  reuse: (tx, { jobId, output: { cover } }) => cover === null ? Effect.succeed(true) : services.blobs.share(tx, jobId, [cover.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, options, output, workDirectory }) {
    const path = yield* services.store.localFile(output(original).sha256)
    const { cover, ...tags } = yield* completed(services, options, yield* readTags(path))
    if (cover === null) return { output: { tags, cover: null } }
    const coverPath = join(yield* workDirectory, "cover")
    yield* storing("The cover could not be written", () => writeFile(coverPath, cover.bytes))
    const stored = { sha256: createHash("sha256").update(cover.bytes).digest("hex"), sizeBytes: cover.bytes.length }
    yield* services.blobs.hold(jobId, { path: coverPath, ...stored })
    return { output: { tags, cover: { ...stored, mediaType: cover.mediaType } } }
  })
})
