import { access, constants, mkdir } from "node:fs/promises"
import { Effect, Schema } from "effect"
import { errorCode } from "../domain/storageFailure.ts"

/** The data directory cannot be used. `message` is one line that says what to do. */
export class DataDirectoryError extends Schema.TaggedError<DataDirectoryError>()("DataDirectoryError", {
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/** Makes a directory if need be, and sees that files can be made in it. */
export const ensureWritable = (directory: string): Effect.Effect<void, DataDirectoryError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(directory, { recursive: true })
      await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    },
    catch: (cause) =>
      new DataDirectoryError({
        message: `Cannot write to ${directory} (${errorCode(cause) ?? "unknown fault"}). Set PLAYHEAD_DATA_DIR to a directory that this user may write to.`,
        cause
      })
  })
