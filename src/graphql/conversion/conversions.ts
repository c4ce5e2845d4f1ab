import { Effect, Schema } from "effect"
import { Conversion } from "../../conversion/Conversion.ts"
import { builder } from "../builder.ts"
import { checked, optional, text } from "../checkedInput.ts"
import { AudioFormatEnum } from "../enums.ts"
import { byId } from "../ids.ts"
import { JobStartResult, startDescriptions, startJob } from "../jobs/jobStart.ts"

const between = (what: string, minimum: number, maximum: number) =>
  Schema.Finite.check(Schema.makeFilter((value: number) => (value >= minimum && value <= maximum) || `${what} must be from ${minimum} to ${maximum}`))

const Common = { idempotencyKey: optional(text("An idempotency key", 200)) }

const checkTranscode = checked(Schema.Struct(Common))
const checkTrim = checked(
  Schema.Struct({ ...Common, options: Schema.Struct({ thresholdDb: between("The threshold", -120, 0), keepMs: between("What is kept of the silence", 0, 10_000) }) })
)

const TranscodeOptions = builder.inputType("TranscodeOptions", {
  description: "How to convert.",
  fields: (t) => ({
    format: t.field({ type: AudioFormatEnum, required: true, description: "Into what." }),
    bitrateKbps: t.int({ description: "In kbit/s, for a lossy format; what is allowed depends on it, the sample rate and the channels. What is usual, unless given." }),
    sampleRateHz: t.int({ description: "One that the format has; the original's or the nearest above it, unless given." })
  })
})

const TrimOptions = builder.inputType("TrimOptions", {
  description: "What to cut off.",
  fields: (t) => ({
    thresholdDb: t.float({ defaultValue: -60, description: "What stays below it is silence; −120 to 0 dB of the full scale." }),
    keepMs: t.int({ defaultValue: 50, description: "How much of the silence stays at each end, 0 to 10,000 ms." })
  })
})

builder.mutationFields((t) => ({
  trackTranscode: t.field({
    type: JobStartResult,
    scope: "WRITE",
    description: "Converts a track's original to another format, which becomes an artifact TRANSCODED beside it, with the library's tags and a waveform.",
    args: {
      id: t.arg.id({ required: true, description: startDescriptions.track }),
      options: t.arg({ type: TranscodeOptions, required: true, description: "How to convert." }),
      idempotencyKey: t.arg.string({ description: startDescriptions.idempotencyKey })
    },
    resolve: startJob((args: { readonly id: string; readonly options: typeof TranscodeOptions.$inferInput; readonly idempotencyKey?: string | null | undefined }) =>
      byId("Track", args.id, (trackId) =>
        Effect.gen(function* () {
          const conversion = yield* Conversion
          const { idempotencyKey } = yield* checkTranscode({ idempotencyKey: args.idempotencyKey })
          const { bitrateKbps, format, sampleRateHz } = args.options
          const options = { format, bitrateKbps: bitrateKbps ?? null, sampleRateHz: sampleRateHz ?? null }
          return yield* conversion.transcode({ trackId, options, idempotencyKey: idempotencyKey ?? undefined })
        })))
  }),
  trackTrim: t.field({
    type: JobStartResult,
    scope: "WRITE",
    description: "Cuts the silence off both ends of a track's original, to the sample. The result is an artifact TRIMMED beside it, in FLAC, so that nothing is lost a second time.",
    args: {
      id: t.arg.id({ required: true, description: startDescriptions.track }),
      options: t.arg({ type: TrimOptions, description: "What to cut off." }),
      idempotencyKey: t.arg.string({ description: startDescriptions.idempotencyKey })
    },
    resolve: startJob((args: { readonly id: string; readonly options?: typeof TrimOptions.$inferInput | null | undefined; readonly idempotencyKey?: string | null | undefined }) =>
      byId("Track", args.id, (trackId) =>
        Effect.gen(function* () {
          const conversion = yield* Conversion
          const { idempotencyKey, options } = yield* checkTrim({
            idempotencyKey: args.idempotencyKey,
            options: { thresholdDb: args.options?.thresholdDb ?? -60, keepMs: args.options?.keepMs ?? 50 }
          })
          return yield* conversion.trim({ trackId, options, idempotencyKey: idempotencyKey ?? undefined })
        })))
  })
}))
