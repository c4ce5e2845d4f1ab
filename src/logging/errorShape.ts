/** The one form in which an error stands in a log line, wherever it comes from. */
import { Predicate } from "effect"
import { encodeFailure, isFailure } from "../domain/errorCatalog.ts"
import { redactRecord, redactText } from "../domain/redaction.ts"

export interface ErrorShape {
  /** The class of an expected error, else the error's own tag or name. */
  readonly tag: string
  /** The code of an expected error, else the system's or the library's (`ECONNREFUSED`, `23505`). */
  readonly code?: string | number
  readonly message: string
  /** Whether the same can succeed later; absent where nobody knows. */
  readonly retryable?: boolean
  readonly cause?: ErrorShape
  /** Of unexpected errors only: an expected one is explained by its fields. */
  readonly stack?: string
  /** Every further field of the error. */
  readonly [field: string]: unknown
}

const longestChain = 5

const causeOf = (error: unknown, depth: number): { readonly cause?: ErrorShape } =>
  Predicate.hasProperty(error, "cause") && error.cause !== undefined && error.cause !== null && depth < longestChain
    ? { cause: shape(error.cause, depth + 1) }
    : {}

const textField = (error: object, name: string): string | undefined =>
  Predicate.hasProperty(error, name) && typeof error[name] === "string" ? error[name] : undefined

const codeOf = (error: object): { readonly code?: string | number } =>
  Predicate.hasProperty(error, "code") && (typeof error.code === "string" || typeof error.code === "number") ? { code: error.code } : {}

/** Fields that say something about an error and are not objects of a library's insides. */
const plainFields = (error: object): Record<string, unknown> => {
  const told = new Set(["_tag", "name", "message", "cause", "code", "stack", "errors"])
  return redactRecord(
    Object.fromEntries(
      Object.entries(error).filter(([name, value]) => !told.has(name) && ["string", "number", "boolean"].includes(typeof value))
    )
  )
}

const shape = (error: unknown, depth: number): ErrorShape => {
  if (isFailure(error)) {
    const { _tag, cause: _, message, ...fields } = { cause: undefined, ...encodeFailure(error) }
    return { tag: _tag, code: error.code, message: redactText(message), retryable: error.retryable, ...redactRecord(fields), ...causeOf(error, depth) }
  }
  if (!Predicate.isObject(error)) return { tag: "NotAnError", message: redactText(String(error)) }
  const stack = depth === 0 ? textField(error, "stack") : undefined
  return {
    ...plainFields(error),
    tag: textField(error, "_tag") ?? textField(error, "name") ?? "NotAnError",
    ...codeOf(error),
    message: redactText(textField(error, "message") ?? "no message"),
    ...causeOf(error, depth),
    ...(error instanceof AggregateError && depth < longestChain
      ? { errors: error.errors.slice(0, longestChain).map((each) => shape(each, depth + 1)) }
      : {}),
    ...(stack === undefined ? {} : { stack: redactText(stack) })
  }
}

/** Works on anything that can be thrown; secrets are redacted and chains of causes cut after five. */
export const errorShape = (error: unknown): ErrorShape => shape(error, 0)
