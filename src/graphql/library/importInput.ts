/** The rules of an import's input, and their faults as the client sees them. */
import { Effect, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { InvalidInputError } from "../../domain/errors.ts"

const text = (what: string, maxLength: number) =>
  Schema.Trim.check(
    Schema.makeFilter((value: string) => {
      const length = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(value)].length
      return length >= 1 && length <= maxLength && value.length <= maxLength * 8 || `${what} must have 1 to ${maxLength} characters`
    })
  )

const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

const maxTags = 50
const maxUrlLength = 2048

const Details = Schema.Struct({
  title: optional(text("A title", 200)),
  artist: optional(text("An artist", 200)),
  album: optional(text("An album", 200)),
  tags: optional(Schema.Array(text("A tag", 50)).check(Schema.makeFilter((tags) => tags.length <= maxTags || `There may be at most ${maxTags} tags`))),
  idempotencyKey: optional(text("An idempotency key", 200))
})

const httpUrl = Schema.String.check(
  Schema.makeFilter((value: string) => {
    if (value.length > maxUrlLength) return `An address may have at most ${maxUrlLength} characters`
    return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) || "An address must be absolute and begin with http:// or https://"
  })
)

/** A client that knows its upload by the address may send that. */
const uploadId = Schema.String.pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: (sent: string) => sent.split("/").at(-1) ?? "", encode: (id) => id }))
)

const Source = Schema.Struct({ url: optional(httpUrl), file: optional(text("A path", 1000)), upload: optional(uploadId) })

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** All faults at once, each with the way to it from the field's arguments. */
const checked = <A, I>(schema: Schema.Codec<A, I>) => (input: unknown): Effect.Effect<A, InvalidInputError> => {
  const result = Schema.decodeUnknownResult(schema, { errors: "all" })({ input })
  if (Result.isSuccess(result)) return Effect.succeed(result.success)
  const issues = toIssues(result.failure.issue).issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
    message: issue.message
  }))
  return Effect.fail(new InvalidInputError({ message: `The input is not valid: ${issues.map((issue) => issue.message).join("; ")}.`, issues }))
}

export const checkImportInput = checked(Schema.Struct({ input: Schema.Struct({ source: Source, ...Details.fields }) }))
export const checkUploadInput = checked(Schema.Struct({ input: Details }))
