/** Denoises a part of a file of interleaved 32-bit samples at 48 kHz in place, in a thread of its own: no second copy on the disk. */
import { closeSync, openSync, readSync, writeSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { openRnnoise, rnnoiseDelay, rnnoiseFrame } from "./rnnoise.ts"

export interface RnnoiseTask {
  readonly path: string
  readonly channels: number
  /** Of the part. */
  readonly fromFrame: number
  readonly frames: number
  /** What the network hears before the part, and behind it: it is not read from the file, where others are writing. */
  readonly before: Float32Array
  readonly after: Float32Array
}

const { after, before, channels, frames, fromFrame, path } = workerData as RnnoiseTask
const framesPerRead = 100 * rnnoiseFrame
const bytesPerFrame = channels * Float32Array.BYTES_PER_ELEMENT
const leadFrames = before.length / channels
/** Positions count from the beginning of `before`. What comes out belongs to where the input was a delay earlier. */
const part = { from: leadFrames, to: leadFrames + frames }

const denoisers = openRnnoise(channels)
const file = openSync(path, "r+")
const block = new Float32Array(framesPerRead * channels)
const bytes = new Uint8Array(block.buffer)
const frame = new Float32Array(rnnoiseFrame)

/** Puts what of these samples, which begin at a position, lies in the block at another. */
const copy = (samples: Float32Array, from: number, at: number) => {
  const skipped = Math.max(0, at - from) * channels
  const piece = samples.subarray(skipped, Math.max(skipped, (at + framesPerRead - from) * channels))
  if (piece.length > 0) block.set(piece, Math.max(0, from - at) * channels)
}

const read = (at: number) => {
  block.fill(0)
  copy(before, 0, at)
  copy(after, part.to, at)
  const from = Math.max(at, part.from)
  const end = Math.min(at + framesPerRead, part.to)
  for (let position = (from - at) * bytesPerFrame; position < (end - at) * bytesPerFrame;) {
    const count = readSync(file, bytes, position, (end - at) * bytesPerFrame - position, (at + fromFrame - part.from) * bytesPerFrame + position)
    if (count === 0) break
    position += count
  }
}

const denoise = () => {
  for (let from = 0; from < framesPerRead; from += rnnoiseFrame) {
    for (const [channel, denoiser] of denoisers.entries()) {
      for (let index = 0; index < rnnoiseFrame; index++) frame[index] = block[(from + index) * channels + channel]!
      denoiser.process(frame)
      for (let index = 0; index < rnnoiseFrame; index++) block[(from + index) * channels + channel] = frame[index]!
    }
  }
}

// Writing never overtakes reading.
for (let at = 0; at < part.to + rnnoiseDelay; at += framesPerRead) {
  read(at)
  denoise()
  const made = at - rnnoiseDelay
  const from = Math.max(made, part.from)
  const end = Math.min(made + framesPerRead, part.to)
  if (end > from) writeSync(file, bytes, (from - made) * bytesPerFrame, (end - from) * bytesPerFrame, (from + fromFrame - part.from) * bytesPerFrame)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  parentPort?.postMessage({ progress: Math.min(1, Math.max(0, end - part.from) / frames) })
}
closeSync(file)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage({ result: null })
