/** Rules of inputs that GraphQL's types cannot say, and their faults as the client sees them. */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { InvalidInputError } from "../domain/errors.ts"

/** What no database stores, or shows nowhere: a NUL breaks statements, half a surrogate pair breaks JSON. */
const isPlain = (value: string): boolean => value.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)

/** One line; characters are counted as the database counts them, by code point. */
const isLine = (what: string, maxLength: number) =>
  Schema.makeFilter((value: string) => {
    // A text of megabytes is not worth counting.
    const length = value.length > maxLength * 2 ? Infinity : Array.from(value).length
    if (length < 1 || length > maxLength) return `${what} must have 1 to ${maxLength} characters`
    return isPlain(value) || `${what} may not contain control characters or broken ones`
  }).abort()

/** A line without the space around it. */
export const text = (what: string, maxLength: number) => Schema.Trim.check(isLine(what, maxLength))

/** A line as it is: the name of a file may begin or end with a space. */
export const exactText = (what: string, maxLength: number) => Schema.String.check(isLine(what, maxLength))

/** An http or https address; whether it may be used is for others to say. */
export const httpAddress = exactText("An address", 2048).check(
  Schema.makeFilter((value: string) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) || "An address must be absolute and begin with http:// or https://")
)

export const wholeNumber = (what: string, least: number, most: number) =>
  Schema.Int.check(Schema.makeFilter((value: number) => value >= least && value <= most || `${what} must be from ${least} to ${most}`))

/** Of too many, only that is told: an answer should not grow with the faults that somebody thinks of. */
export const labels = (what: string, maxLength: number, most: number) =>
  Schema.Array(Schema.String).check(Schema.makeFilter((values) => values.length <= most || `There may be at most ${most} of them, not ${values.length}`)).pipe(
    Schema.decodeTo(Schema.Array(text(what, maxLength)))
  )

export const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** All faults at once, each with the way to it from the field's arguments. */
export const checked = <A, I>(schema: Schema.Codec<A, I>) => (given: unknown): Effect.Effect<A, InvalidInputError> => {
  const result = Schema.decodeUnknownResult(schema, { errors: "all" })(given)
  if (Result.isSuccess(result)) return Effect.succeed(result.success)
  const issues = toIssues(result.failure.issue).issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
    message: issue.message
  }))
  return Effect.fail(new InvalidInputError({ message: `The input is not valid: ${issues.map((issue) => issue.message).join("; ")}.`, issues }))
}
