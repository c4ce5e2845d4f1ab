/** Other forms of what the library has: in another format, or without the silence around it. */
import { Context, Effect, Layer } from "effect"
import type { ConflictError, IdempotencyConflictError, InvalidInputError } from "../domain/errors.ts"
import { NotFoundError } from "../domain/errors.ts"
import { Database } from "../persistence/Database.ts"
import { jobStarter, type StartedJob } from "../processing/startJob.ts"
import { encodingFor, type TranscodeOptions } from "./transcodeKind.ts"
import type { TrimOptions } from "./trimKind.ts"

export interface ConversionRequest<Options> {
  /** A bare uuid. */
  readonly trackId: string
  readonly options: Options
  readonly idempotencyKey: string | undefined
}

type Refusal = NotFoundError | ConflictError | IdempotencyConflictError

export class Conversion extends Context.Service<Conversion, {
  /** Submits a TRANSCODE. A bit rate or sample rate that the format does not have, or not with the track's channels, is refused at once. */
  readonly transcode: (request: ConversionRequest<TranscodeOptions>) => Effect.Effect<StartedJob, Refusal | InvalidInputError>
  /** Submits a TRIM. */
  readonly trim: (request: ConversionRequest<TrimOptions>) => Effect.Effect<StartedJob, Refusal>
}>()("playhead/conversion/Conversion") {
  static readonly layer = Layer.effect(
    Conversion,
    Effect.gen(function* () {
      const database = yield* Database
      const startJob = yield* jobStarter

      const transcode = Effect.fn("Conversion.transcode")(function* (request: ConversionRequest<TranscodeOptions>) {
        const [track] = yield* database.query<{ sampleRateHz: number | null; channels: number | null }>(
          "conversion.track",
          `select sample_rate_hz as "sampleRateHz", channels from track where id = $1`,
          [request.trackId]
        )
        if (track === undefined) return yield* new NotFoundError({ message: "There is no such track.", id: request.trackId })
        yield* encodingFor(request.options, { sampleRateHz: track.sampleRateHz ?? 44_100, channels: track.channels ?? 2 })
        return yield* startJob({ kind: "TRANSCODE", ...request })
      })
      const trim = Effect.fn("Conversion.trim")((request: ConversionRequest<TrimOptions>) => startJob({ kind: "TRIM", ...request }))
      return Conversion.of({ transcode, trim })
    })
  )
}
