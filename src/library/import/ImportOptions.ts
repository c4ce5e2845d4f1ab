import { Schema } from "effect"

const ImportSource = Schema.Union([
  Schema.TaggedStruct("Url", { url: Schema.String }),
  /** A page with a video, whose audio yt-dlp fetches. */
  Schema.TaggedStruct("VideoPage", { url: Schema.String }),
  /** A path as the client gave it, below the import directory. */
  Schema.TaggedStruct("File", { path: Schema.String }),
  /** An upload, which was received and stored before the job was submitted. */
  Schema.TaggedStruct("Stored", { sha256: Schema.String, sizeBytes: Schema.Finite, filename: Schema.String })
])
export type ImportSource = typeof ImportSource.Type

/** What the client gave wins over what the file's tags say. */
export const ImportOptions = Schema.Struct({
  source: ImportSource,
  title: Schema.NullOr(Schema.String),
  artist: Schema.NullOr(Schema.String),
  album: Schema.NullOr(Schema.String),
  tags: Schema.Array(Schema.String),
  allowDuplicate: Schema.Boolean
})
export type ImportOptions = typeof ImportOptions.Type
