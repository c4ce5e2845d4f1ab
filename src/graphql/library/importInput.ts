/** The rules of an import's input. */
import { Schema, SchemaTransformation } from "effect"
import { checked, labels, optional, text } from "../checkedInput.ts"

const maxUrlLength = 2048

const Details = Schema.Struct({
  title: optional(text("A title", 200)),
  artist: optional(text("An artist", 200)),
  album: optional(text("An album", 200)),
  tags: optional(labels("A tag", 50, 50)),
  idempotencyKey: optional(text("An idempotency key", 200))
})

const httpUrl = Schema.String.check(
  Schema.makeFilter((value: string) => {
    if (value.length > maxUrlLength) return `An address may have at most ${maxUrlLength} characters`
    if (!value.isWellFormed() || /\p{Cc}/u.test(value)) return "An address may not contain control characters or broken ones"
    return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) || "An address must be absolute and begin with http:// or https://"
  })
)

/** A client that knows its upload by the address may send that. */
const uploadId = Schema.String.pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: (sent: string) => sent.split("/").at(-1) ?? "", encode: (id) => id }))
)

const Source = Schema.Struct({ url: optional(httpUrl), videoPage: optional(httpUrl), file: optional(text("A path", 1000)), upload: optional(uploadId) })

export const checkImportInput = checked(Schema.Struct({ input: Schema.Struct({ source: Source, ...Details.fields }) }))
export const checkUploadInput = checked(Schema.Struct({ input: Details }))
