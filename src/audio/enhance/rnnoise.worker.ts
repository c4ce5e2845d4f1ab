/** Denoises a file of interleaved 32-bit samples at 48 kHz in place, in a thread of its own: no second copy on the disk. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { openRnnoise, rnnoiseDelay, rnnoiseFrame } from "./rnnoise.ts"

export interface RnnoiseTask {
  readonly path: string
  readonly channels: number
}

const { channels, path } = workerData as RnnoiseTask
const framesPerRead = 100 * rnnoiseFrame
const bytesPerFrame = channels * Float32Array.BYTES_PER_ELEMENT

const denoisers = openRnnoise(channels)
const file = openSync(path, "r+")
const totalFrames = Math.floor(fstatSync(file).size / bytesPerFrame)
const block = new Float32Array(framesPerRead * channels)
const bytes = new Uint8Array(block.buffer)
const frame = new Float32Array(rnnoiseFrame)

const denoise = () => {
  for (let from = 0; from < framesPerRead; from += rnnoiseFrame) {
    for (const [channel, denoiser] of denoisers.entries()) {
      for (let index = 0; index < rnnoiseFrame; index++) frame[index] = block[(from + index) * channels + channel]!
      denoiser.process(frame)
      for (let index = 0; index < rnnoiseFrame; index++) block[(from + index) * channels + channel] = frame[index]!
    }
  }
}

// What comes out belongs to where the input was a delay earlier, so writing never overtakes reading.
for (let at = 0; at - rnnoiseDelay < totalFrames; at += framesPerRead) {
  let filled = 0
  while (filled < bytes.length) {
    const read = readSync(file, bytes, filled, bytes.length - filled, at * bytesPerFrame + filled)
    if (read === 0) break
    filled += read
  }
  bytes.fill(0, Math.min(filled, Math.max(0, (totalFrames - at) * bytesPerFrame)))
  denoise()
  const target = at - rnnoiseDelay
  const skipped = Math.max(0, -target)
  const end = Math.min(framesPerRead, totalFrames - target)
  writeSync(file, bytes, skipped * bytesPerFrame, (end - skipped) * bytesPerFrame, (target + skipped) * bytesPerFrame)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  parentPort?.postMessage({ progress: Math.min(1, (target + end) / totalFrames) })
}
closeSync(file)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage({ result: null })
