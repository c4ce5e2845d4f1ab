import { Effect, Schema } from "effect"
import type { JobKindDefinition, StageDefinition } from "../../jobs/JobKinds.ts"
import { analyzeOriginal } from "./analyze.ts"
import { download } from "./download.ts"
import { importFinished, importRetried, importStarted } from "./finished.ts"
import { compareFingerprint } from "./fingerprint.ts"
import { ImportOptions } from "./ImportOptions.ts"
import { type ImportLimits, importServices } from "./ImportServices.ts"
import { readMetadata } from "./metadata.ts"
import { probeOriginal } from "./probe.ts"
import { store } from "./store.ts"
import { validate } from "./validate.ts"

/** Makes the track ready, which happens in the transaction that ends the job. */
const finalize: StageDefinition<ImportOptions, null> = {
  name: "FINALIZE",
  weight: 1,
  output: Schema.Null,
  run: () => Effect.succeed({ output: null })
}

/** IMPORT: from an address, a file or an upload to a track that is ready to be played and searched. */
export const importKind = Effect.fnUntraced(function* (limits: ImportLimits) {
  const services = yield* importServices(limits)
  const downloaded = download(services)
  const probed = probeOriginal(services, downloaded)
  const described = readMetadata(services, downloaded)
  const definition: JobKindDefinition<ImportOptions> = {
    kind: "IMPORT",
    options: ImportOptions,
    needsTrack: true,
    stages: [
      validate(services),
      downloaded,
      probed,
      described,
      store(services, { download: downloaded, probe: probed, metadata: described }),
      analyzeOriginal(services, { download: downloaded, probe: probed }),
      compareFingerprint(),
      finalize
    ],
    onRetried: importRetried,
    onStarted: importStarted,
    onFinished: importFinished
  }
  return definition
})
