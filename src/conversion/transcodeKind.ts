import { Effect, Schema } from "effect"
import { chooseEncoding, isChosen } from "../audio/encoding/chooseEncoding.ts"
import { InvalidInputError } from "../domain/errors.ts"
import { AudioFormat } from "../domain/Track.ts"
import { conversionKind } from "./conversionKind.ts"

export const TranscodeOptions = Schema.Struct({
  format: AudioFormat,
  /** Null for what is usual in the format. */
  bitrateKbps: Schema.NullOr(Schema.Int),
  /** Null for the source's own, or what is nearest to it. */
  sampleRateHz: Schema.NullOr(Schema.Int)
})
export type TranscodeOptions = typeof TranscodeOptions.Type

/** What a source is encoded as; a wish that its channels and rate do not allow is the client's fault. */
export const encodingFor = Effect.fnUntraced(function* (options: TranscodeOptions, source: { readonly sampleRateHz: number; readonly channels: number }) {
  const choice = chooseEncoding(options, source)
  if (isChosen(choice)) return choice
  return yield* new InvalidInputError({
    message: `${choice.map((issue) => issue.message).join("; ")}.`,
    issues: choice.map((issue) => ({ ...issue, path: ["options", ...issue.path] }))
  })
})

/** TRANSCODE: a track's original in another format, beside it. */
export const transcodeKind = conversionKind({
  kind: "TRANSCODE",
  options: TranscodeOptions,
  role: "TRANSCODED",
  planningShare: 0,
  plan: (options, original) => Effect.map(encodingFor(options, original), (encoding) => ({ encoding }))
})
