/** Listens to excerpts in a thread of its own: whether somebody speaks, and whether mains hum is in them. */
import { parentPort, workerData } from "node:worker_threads"
import { findHum, type Hum } from "./hum.ts"
import { openRnnoise, rnnoiseFrame, rnnoiseRateHz } from "./rnnoise.ts"

/** Mono, at RNNoise's rate. */
export type Excerpts = ReadonlyArray<Float32Array>

export interface Heard {
  /** The share of the frames in which somebody speaks for certain. */
  readonly voicedShare: number
  /** How much of the power is left when RNNoise has taken out what is no speech: 0 for all, −20 and less for most music. */
  readonly keptDb: number
  readonly hum: Hum | undefined
}

const certainly = 0.9

const excerpts = workerData as Excerpts
const [denoiser] = openRnnoise(1)
let frames = 0
let voiced = 0
let before = 0
let after = 0
const frame = new Float32Array(rnnoiseFrame)
for (const excerpt of excerpts) {
  for (let from = 0; from + rnnoiseFrame <= excerpt.length; from += rnnoiseFrame) {
    frame.set(excerpt.subarray(from, from + rnnoiseFrame))
    for (const sample of frame) before += sample * sample
    if ((denoiser?.process(frame) ?? 0) > certainly) voiced++
    for (const sample of frame) after += sample * sample
    frames++
  }
}
const heard: Heard = {
  voicedShare: frames === 0 ? 0 : voiced / frames,
  keptDb: before === 0 ? 0 : Math.max(-100, 10 * Math.log10(after / before)),
  hum: findHum(excerpts, rnnoiseRateHz)
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage({ result: heard })
