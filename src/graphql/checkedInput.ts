/** Rules of inputs that GraphQL's types cannot say, and their faults as the client sees them. */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { InvalidInputError } from "../domain/errors.ts"

/** What no database stores, or shows nowhere: a NUL breaks statements, half a surrogate pair breaks JSON. */
const isPlain = (value: string): boolean => value.isWellFormed() && !/\p{Cc}/u.test(value)

/** One line, without the space around it; characters are counted as the database counts them, by code point. */
export const text = (what: string, maxLength: number) =>
  Schema.Trim.check(
    Schema.makeFilter((value: string) => {
      // A text of megabytes is not worth counting.
      const length = value.length > maxLength * 2 ? Infinity : Array.from(value).length
      if (length < 1 || length > maxLength) return `${what} must have 1 to ${maxLength} characters`
      return isPlain(value) || `${what} may not contain control characters or broken ones`
    })
  )

export const wholeNumber = (what: string, least: number, most: number) =>
  Schema.Int.check(Schema.makeFilter((value: number) => value >= least && value <= most || `${what} must be from ${least} to ${most}`))

export const labels = (what: string, maxLength: number, most: number) =>
  Schema.Array(text(what, maxLength)).check(Schema.makeFilter((values) => values.length <= most || `There may be at most ${most} of them, not ${values.length}`))

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
