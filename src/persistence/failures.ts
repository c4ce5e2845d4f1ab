/** What can go wrong with the database itself. Neither class is an answer to a client: see src/domain/errors.ts for those. */
import { DriverException } from "@mikro-orm/core"
import { Cause, Predicate, Schema } from "effect"

/**
 * A statement failed where no failure was expected: the connection was lost, a constraint was broken, the SQL is wrong.
 * Raised as a defect, so that signatures stay free of it; `connectionLost` tells an outage from a bug.
 */
export class DatabaseFailure extends Schema.TaggedError<DatabaseFailure>()("DatabaseFailure", {
  message: Schema.String,
  /** Of PostgreSQL (appendix A of its manual), where the server had a say. */
  sqlState: Schema.UndefinedOr(Schema.String),
  connectionLost: Schema.Boolean,
  /** COMMIT was never answered, and nobody could be asked either: the transaction may or may not have taken effect. */
  outcomeUnknown: Schema.Boolean,
  cause: Schema.Defect()
}) {
  /** The name under which pg has it, and pg-boss looks for it. */
  get code(): string | undefined {
    return this.sqlState
  }

  /** The same transaction can succeed when it is run again: it has left no trace, and what stopped it passes. */
  get transient(): boolean {
    return !this.outcomeUnknown && (this.connectionLost || this.sqlState === "40001" || this.sqlState === "40P01")
  }
}

/** The connection was lost while committing, and the server says that the transaction was rolled back: see commitFate.ts. */
export class NotCommitted extends Error {
  constructor(cause: unknown) {
    super("The connection was lost before the transaction was committed", { cause })
  }
}

/** The database cannot be used at all. `message` is one line that says what to do. */
export class DatabaseStartError extends Schema.TaggedError<DatabaseStartError>()("DatabaseStartError", {
  reason: Schema.Literals(["UNREACHABLE", "CREDENTIALS", "UNKNOWN_DATABASE", "DATA_DIRECTORY", "LOCKED", "MIGRATION"]),
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** Shut down, starting up, or out of connections: the server is there and will be again. */
const unavailable = new Set(["57P01", "57P02", "57P03", "53300", "25P03"])
const socketErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENOENT"
])
/** What pg says, without a code, of a connection that is gone. */
const goneMessage = /connection terminated|not queryable|connection error|Cannot use a pool after/i
/** What pg's pool says, without a code, to whom none of its connections became free in time. */
const starvedMessage = /^timeout exceeded when trying to connect/i

const textOf = (value: unknown, key: string): string | undefined => {
  if (!Predicate.hasProperty(value, key)) return undefined
  const text = value[key]
  return Predicate.isString(text) ? text : undefined
}

const sqlStateOf = (error: unknown): string | undefined => {
  const code = textOf(error, "code")
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !socketErrors.has(code) ? code : undefined
}

/** Says in this codebase's terms what a driver threw. */
export const databaseFailure = (error: unknown, options?: { readonly committing: boolean }): DatabaseFailure => {
  if (error instanceof DatabaseFailure) return error
  if (error instanceof NotCommitted) return databaseFailure(error.cause)
  const sqlState = sqlStateOf(error)
  const message = textOf(error, "message") ?? String(error)
  const connectionLost =
    sqlState === undefined
      ? socketErrors.has(textOf(error, "code") ?? "") || goneMessage.test(message)
      : sqlState.startsWith("08") || unavailable.has(sqlState)
  const outcomeUnknown = connectionLost && options?.committing === true
  return new DatabaseFailure({
    message: outcomeUnknown
      ? `The connection was lost while committing; whether the transaction took effect is unknown (${message})`
      : message,
    sqlState,
    connectionLost,
    outcomeUnknown,
    cause: error
  })
}

/** Whether a defect of unknown origin was thrown by the database or its drivers, as by an EntityManager's method. */
const isDatabaseDefect = (defect: unknown): boolean =>
  defect instanceof DatabaseFailure ||
  defect instanceof DriverException ||
  (sqlStateOf(defect) !== undefined && textOf(defect, "severity") !== undefined) ||
  (defect instanceof Error &&
    (/^(connection terminated|client has encountered a connection error)/i.test(defect.message) || starvedMessage.test(defect.message)))

/** The database's failure among a cause's defects. */
export const databaseDefect = (cause: Cause.Cause<unknown>): DatabaseFailure | undefined => {
  const defect = cause.reasons
    .filter(Cause.isDieReason)
    .map((reason) => reason.defect)
    .find(isDatabaseDefect)
  return defect === undefined ? undefined : databaseFailure(defect)
}

/** Given up for want of time (a statement's limit, a lock), of a free connection, or of the server's memory, disk or the like. */
const isOverloaded = ({ message, sqlState }: DatabaseFailure): boolean =>
  sqlState === undefined ? starvedMessage.test(message) : sqlState === "57014" || sqlState === "55P03" || sqlState.startsWith("53")

/** Whether something came to nothing because the database was out of reach or overloaded: the same can succeed later. */
export const isOutage = (cause: Cause.Cause<unknown>): boolean => {
  const failure = databaseDefect(cause)
  return failure !== undefined && (failure.connectionLost || isOverloaded(failure))
}
