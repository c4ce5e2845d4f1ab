import { Effect, Schema } from "effect"
import { probe } from "../audio/probe.ts"
import { demuxers } from "../audio/ffmpeg/input.ts"
import { sniffFile } from "../audio/sniff.ts"
import { NotFoundError } from "../domain/errors.ts"
import type { StageDefinition } from "../jobs/JobKinds.ts"
import type { ProcessingServices } from "./ProcessingServices.ts"

/** A track's original, as decoders see it. */
const SourceAudio = Schema.Struct({
  sha256: Schema.String,
  /** The only one that ffmpeg may use on it. */
  demuxer: Schema.Literals(demuxers),
  codec: Schema.String,
  sampleRateHz: Schema.Int,
  channels: Schema.Int,
  bitDepth: Schema.Literals([16, 24]),
  durationMs: Schema.Int
})
export type SourceAudio = typeof SourceAudio.Type

export const trackGone = () => new NotFoundError({ message: "The track was deleted while the job worked on it.", id: "" })

/** Finds the track's original, and has the job hold it: what happens to the track meanwhile takes nothing from under the job. */
export const findSource = <Options>({ blobs, database, provideFFmpeg, store }: ProcessingServices): StageDefinition<Options, SourceAudio> => ({
  name: "PROBE",
  weight: 2,
  output: SourceAudio,
  reuse: (tx, { jobId, output }) => blobs.share(tx, jobId, [output.sha256]),
  run: Effect.fnUntraced(function* ({ jobId, trackId }) {
    const [original] = yield* database.query<{ sha256: string; durationMs: number | null }>(
      "processing.original",
      `select sha256, duration_ms as "durationMs" from artifact where track_id = $1 and role in ('ORIGINAL', 'GENERATED') order by created_at limit 1`,
      [trackId]
    )
    if (original === undefined) return yield* trackGone()
    const path = yield* store.localFile(original.sha256)
    const format = yield* sniffFile(path)
    const found = yield* provideFFmpeg(probe(path, format))
    return {
      output: {
        sha256: original.sha256,
        demuxer: format.demuxer,
        codec: found.codec,
        sampleRateHz: found.sampleRateHz,
        channels: found.channels,
        bitDepth: found.bitDepth,
        durationMs: original.durationMs ?? found.durationMs ?? 0
      },
      commit: Effect.fnUntraced(function* (tx) {
        if (!(yield* blobs.share(tx, jobId, [original.sha256]))) return yield* trackGone()
      })
    }
  })
})
