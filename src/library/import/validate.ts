import { Effect, Schema } from "effect"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"

/** Looks once more at what was looked at when the job was submitted: the import may have waited since, or be a retry. */
export const validate = (services: ImportServices): StageDefinition<ImportOptions, null> => ({
  name: "VALIDATE",
  weight: 1,
  output: Schema.Null,
  run: Effect.fnUntraced(function* ({ options: { source } }) {
    if (source._tag === "VideoPage") yield* services.videoPages.check
    if (source._tag === "Url" || source._tag === "VideoPage") yield* services.outbound.admit(source.url)
    if (source._tag === "File") yield* services.localFiles.check(source.path)
    return { output: null }
  })
})
