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
