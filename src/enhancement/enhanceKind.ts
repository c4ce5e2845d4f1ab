import { Effect } from "effect"
import type { SpeechModel } from "../audio/enhance/speechModel.ts"
import type { JobKindDefinition } from "../jobs/JobKinds.ts"
import { Guard } from "../providers/guard/Guard.ts"
import { processingServices } from "../processing/ProcessingServices.ts"
import { storeResult } from "../processing/result.ts"
import { findSource } from "../processing/source.ts"
import { denoise } from "./denoise.ts"
import { EnhanceOptions } from "./EnhanceOptions.ts"
import { measure } from "./measure.ts"
import { normalize } from "./normalize.ts"

/** ENHANCE: a track's original without its noise and at the loudness asked for, beside it. */
export const enhanceKind = Effect.fnUntraced(function* (settings: { readonly speechModel: SpeechModel | undefined }) {
  const services = { ...(yield* processingServices), guard: yield* Guard }
  const source = findSource<EnhanceOptions>(services)
  const denoised = denoise(services, settings.speechModel, source)
  const normalized = normalize(services, { source, denoised })
  const measured = measure(services, { denoised, normalized })
  return {
    kind: "ENHANCE",
    options: EnhanceOptions,
    needsTrack: true,
    stages: [source, denoised, normalized, measured, storeResult(services, { made: normalized, measured, qualityOf: (output) => output(denoised).quality }, "ENHANCED")]
  } satisfies JobKindDefinition<EnhanceOptions>
})
