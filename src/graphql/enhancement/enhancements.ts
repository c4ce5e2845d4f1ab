import { Effect, Schema } from "effect"
import { Enhancement } from "../../enhancement/Enhancement.ts"
import { builder } from "../builder.ts"
import { checked, optional, text } from "../checkedInput.ts"
import { QualityTierEnum } from "../enums.ts"
import { byId } from "../ids.ts"
import { JobStartResult, startDescriptions, startJob } from "../jobs/jobStart.ts"

const checkKey = checked(Schema.Struct({ idempotencyKey: optional(text("An idempotency key", 200)) }))

const defaults = { minimumQuality: "BASIC", targetLufs: -16, truePeakDbtp: -1.5, denoise: true } as const

const EnhanceOptions = builder.inputType("EnhanceOptions", {
  description: "How to enhance.",
  fields: (t) => ({
    quality: t.field({ type: QualityTierEnum, description: "The tier to begin with; the best that is set up and suits the recording, unless given. HIGH: a speech model of the operator's. MEDIUM: RNNoise, for speech in much noise. BASIC: spectral subtraction." }),
    minimumQuality: t.field({ type: QualityTierEnum, defaultValue: defaults.minimumQuality, description: "The lowest tier that is accepted: where a better one fails, the job fails instead of going below." }),
    targetLufs: t.float({ defaultValue: defaults.targetLufs, description: "The integrated loudness of the result, −40 to −5 LUFS (EBU R128)." }),
    truePeakDbtp: t.float({ defaultValue: defaults.truePeakDbtp, description: "What no peak of the result exceeds, −9 to 0 dBTP." }),
    denoise: t.boolean({ defaultValue: defaults.denoise, description: "Whether to take noise out; without, the result has only its loudness changed and what is below hearing removed." })
  })
})

builder.mutationFields((t) => ({
  trackEnhance: t.field({
    type: JobStartResult,
    scope: "WRITE",
    description: "Takes noise out of a track's original and brings it to a target loudness. The result is measured, and is an artifact ENHANCED beside the original, in FLAC.",
    args: {
      id: t.arg.id({ required: true, description: startDescriptions.track }),
      options: t.arg({ type: EnhanceOptions, description: "How to enhance." }),
      idempotencyKey: t.arg.string({ description: startDescriptions.idempotencyKey })
    },
    resolve: startJob((args: { readonly id: string; readonly options?: typeof EnhanceOptions.$inferInput | null | undefined; readonly idempotencyKey?: string | null | undefined }) =>
      byId("Track", args.id, (trackId) =>
        Effect.gen(function* () {
          const enhancement = yield* Enhancement
          const { idempotencyKey } = yield* checkKey({ idempotencyKey: args.idempotencyKey })
          const { denoise, minimumQuality, quality, targetLufs, truePeakDbtp } = args.options ?? {}
          return yield* enhancement.enhance({
            trackId,
            options: {
              quality: quality ?? null,
              minimumQuality: minimumQuality ?? defaults.minimumQuality,
              targetLufs: targetLufs ?? defaults.targetLufs,
              truePeakDbtp: truePeakDbtp ?? defaults.truePeakDbtp,
              denoise: denoise ?? defaults.denoise
            },
            idempotencyKey: idempotencyKey ?? undefined
          })
        })))
  })
}))
