import { Effect, Schema } from "effect"
import { demuxers } from "../../audio/ffmpeg/input.ts"
import { probe } from "../../audio/probe.ts"
import { sniffFile } from "../../audio/sniff.ts"
import type { StageDefinition } from "../../jobs/JobKinds.ts"
import type { download } from "./download.ts"
import type { ImportOptions } from "./ImportOptions.ts"
import type { ImportServices } from "./ImportServices.ts"
import { tooLong } from "./tooLong.ts"

const Format = Schema.Struct({
  container: Schema.String,
  /** The only one that ffmpeg may use on this file. */
  demuxer: Schema.Literals(demuxers),
  mediaType: Schema.String,
  codec: Schema.String,
  sampleRateHz: Schema.Int,
  channels: Schema.Int,
  bitrateBps: Schema.NullOr(Schema.Int),
  /** What the header says, which need not be true. */
  declaredDurationMs: Schema.NullOr(Schema.Finite)
})
export type Format = typeof Format.Type

/** Finds out what the file is, by its content alone, and refuses what is no audio before ffmpeg sees it. */
export const probeOriginal = (services: ImportServices, original: ReturnType<typeof download>): StageDefinition<ImportOptions, Format> => ({
  name: "PROBE",
  weight: 4,
  output: Format,
  run: Effect.fnUntraced(function* ({ output }) {
    const path = yield* services.store.localFile(output(original).sha256)
    const sniffed = yield* sniffFile(path)
    const found = yield* services.provideFFmpeg(probe(path, sniffed))
    if (found.durationMs !== null && found.durationMs > services.limits.maxDurationMs) return yield* tooLong(services.limits.maxDurationMs)
    return {
      output: {
        container: sniffed.container,
        demuxer: sniffed.demuxer,
        mediaType: sniffed.mediaType,
        codec: found.codec,
        sampleRateHz: found.sampleRateHz,
        channels: found.channels,
        bitrateBps: found.bitrateBps,
        declaredDurationMs: found.durationMs
      }
    }
  })
})
