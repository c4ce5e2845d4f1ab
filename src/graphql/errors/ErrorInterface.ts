import { decodeFailure, encodeFailure, type Failure, isFailure } from "../../domain/errorCatalog.ts"
import type { ExpectedError } from "../../domain/errors.ts"
import { builder } from "../builder.ts"
import { ErrorCodeEnum } from "../enums.ts"

export const ErrorInterface = builder.interfaceRef<ExpectedError>("Error").implement({
  description: "Every expected failure. `code` is for programs, `message` for people.",
  // A failure that was persisted is decoded to its class, whose name is the type's.
  resolveType: (error) => error._tag,
  fields: (t) => ({
    code: t.expose("code", { type: ErrorCodeEnum, description: "What went wrong, for programs." }),
    message: t.exposeString("message", { description: "What went wrong and what to do about it, for people." }),
    retryable: t.exposeBoolean("retryable", { description: "Whether the same request can succeed later, unchanged." })
  })
})

/**
 * A failure as the value of a field. GraphQL takes whatever is an Error for a failure of the field itself, so this is a
 * plain object with the same properties.
 */
export const failureValue = (stored: unknown): ExpectedError => {
  const failure: Failure = isFailure(stored) ? stored : decodeFailure(stored)
  return { ...encodeFailure(failure), name: failure.name, message: failure.message, code: failure.code, retryable: failure.retryable }
}
