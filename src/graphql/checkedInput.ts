/** The rules of inputs beyond their types, and their faults as the client sees them. */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { InvalidInputError } from "../domain/errors.ts"

/** Trimmed, of 1 to so many characters as people count them. */
export const text = (what: string, maxLength: number) =>
  Schema.Trim.check(
    Schema.makeFilter((value: string) => {
      const length = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(value)].length
      return length >= 1 && length <= maxLength && value.length <= maxLength * 8 || `${what} must have 1 to ${maxLength} characters`
    })
  )

export const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** All faults at once, each with the way to it from the field's arguments. */
export const checked = <A, I>(schema: Schema.Codec<A, I>) => (args: unknown): Effect.Effect<A, InvalidInputError> => {
  const result = Schema.decodeUnknownResult(schema, { errors: "all" })(args)
  if (Result.isSuccess(result)) return Effect.succeed(result.success)
  const issues = toIssues(result.failure.issue).issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
    message: issue.message
  }))
  return Effect.fail(new InvalidInputError({ message: `The input is not valid: ${issues.map((issue) => issue.message).join("; ")}.`, issues }))
}
