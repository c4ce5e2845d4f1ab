/** RNNoise over a whole file, which is shared out among the processor's cores. */
import { open } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { Effect } from "effect"
import { AudioProcessingError } from "../../domain/errors.ts"
import { runWorker } from "../workerThread.ts"
import { rnnoiseDelay, rnnoiseRateHz } from "./rnnoise.ts"
import type { RnnoiseTask } from "./rnnoise.worker.ts"

export interface RnnoiseRequest {
  /** Interleaved 32-bit floats at 48 kHz, replaced by what is left of them. */
  readonly path: string
  readonly channels: number
  readonly onProgress: (fraction: number) => void
  /** Left out, one for each core. */
  readonly maxParts?: number
}

/** More threads would hold more memory than they save time. */
const mostParts = 4
const shortestPartSeconds = 20
/** The network has forgotten what was before that. */
const leadSeconds = 2

/** Reads all that is needed of neighbouring parts before any of them is written. */
const shareOut = ({ channels, maxParts = Math.min(mostParts, availableParallelism()), path }: RnnoiseRequest): Effect.Effect<ReadonlyArray<RnnoiseTask>> =>
  Effect.acquireUseRelease(
    Effect.promise(() => open(path)),
    (file) => Effect.promise(async () => {
      const bytesPerFrame = channels * Float32Array.BYTES_PER_ELEMENT
      const totalFrames = Math.floor((await file.stat()).size / bytesPerFrame)
      const samples = async (from: number, to: number) => {
        const frames = new Float32Array((Math.min(to, totalFrames) - from) * channels)
        await file.read(new Uint8Array(frames.buffer), 0, frames.byteLength, from * bytesPerFrame)
        return frames
      }
      const count = Math.min(maxParts, Math.max(1, Math.floor(totalFrames / (shortestPartSeconds * rnnoiseRateHz))))
      const borders = Array.from({ length: count + 1 }, (_, index) => Math.round((index * totalFrames) / count))
      return Promise.all(borders.slice(1).map(async (toFrame, index) => {
        const fromFrame = borders[index] ?? 0
        return {
          path, channels, fromFrame,
          frames: toFrame - fromFrame,
          before: await samples(Math.max(0, fromFrame - leadSeconds * rnnoiseRateHz), fromFrame),
          after: await samples(toFrame, toFrame + rnnoiseDelay)
        }
      }))
    }),
    (file) => Effect.promise(() => file.close())
  )

export const applyRnnoise = Effect.fn("audio.applyRnnoise")(function* (request: RnnoiseRequest) {
  const tasks = yield* shareOut(request)
  const progress = tasks.map(() => 0)
  yield* Effect.forEach(tasks, (data, index) =>
    runWorker({
      script: new URL("./rnnoise.worker.ts", import.meta.url),
      data,
      onProgress: (fraction) => {
        progress[index] = fraction
        request.onProgress(progress.reduce((sum, each) => sum + each, 0) / tasks.length)
      }
    }), { concurrency: "unbounded", discard: true }).pipe(
    Effect.mapError((cause) => new AudioProcessingError({ message: "RNNoise could not work on the recording.", cause }))
  )
})
