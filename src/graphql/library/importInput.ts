/** The rules of an import's input. */
import { Schema, SchemaTransformation } from "effect"
import { checked, exactText, httpAddress, labels, optional, text } from "../checkedInput.ts"

const Details = Schema.Struct({
  title: optional(text("A title", 200)),
  artist: optional(text("An artist", 200)),
  album: optional(text("An album", 200)),
  tags: optional(labels("A tag", 50, 50)),
  idempotencyKey: optional(text("An idempotency key", 200))
})

/** A client that knows its upload by the address may send that. */
const uploadId = Schema.String.pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: (sent: string) => sent.split("/").at(-1) ?? "", encode: (id) => id }))
)

const Source = Schema.Struct({ url: optional(httpAddress), videoPage: optional(httpAddress), file: optional(exactText("A path", 1000)), upload: optional(uploadId) })

export const checkImportInput = checked(Schema.Struct({ input: Schema.Struct({ source: Source, ...Details.fields }) }))
export const checkUploadInput = checked(Schema.Struct({ input: Details }))
