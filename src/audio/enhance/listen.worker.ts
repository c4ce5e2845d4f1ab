/** Listens to excerpts in a thread of its own: whether somebody speaks, and whether mains hum is in them. */
import { parentPort, workerData } from "node:worker_threads"
import { findHum, type Hum, humRateHz } from "./hum.ts"
import { openRnnoise, rnnoiseFrame, rnnoiseRateHz } from "./rnnoise.ts"
import { type Heard, isClear, isSpeech } from "./voice.ts"

export interface ListenTask {
  /** Mono, at RNNoise's rate. */
  readonly voice: ReadonlyArray<Float32Array<ArrayBuffer>>
  /** The same, at `humRateHz`. */
  readonly hum: ReadonlyArray<Float32Array<ArrayBuffer>>
  readonly snrDb: number | null
}

export interface Listened {
  readonly isSpeech: boolean
  readonly hum: Hum | undefined
}

const { hum, snrDb, voice } = workerData as ListenTask

/** RNNoise takes 76 ms for a second, more than all else together: it hears a little of each place, and more only if in doubt. */
const roundFrames = 200
const maxPlaces = 3
/** How likely RNNoise has to find it that somebody speaks in a frame. */
const certainly = 0.9

const places = (): ReadonlyArray<Float32Array> => {
  if (voice.length > 1) return voice
  const [whole = new Float32Array()] = voice
  const count = Math.min(maxPlaces, Math.max(1, Math.floor(whole.length / (roundFrames * rnnoiseFrame))))
  const length = Math.ceil(whole.length / count)
  return Array.from({ length: count }, (_, place) => whole.subarray(place * length, (place + 1) * length))
}

const listen = (): Heard => {
  const listening = places()
  const denoisers = openRnnoise(listening.length)
  const frame = new Float32Array(rnnoiseFrame)
  const framesOfPlace = Math.floor(Math.max(...listening.map(({ length }) => length)) / rnnoiseFrame)
  let [frames, voiced, before, after] = [0, 0, 0, 0]
  const heard = (): Heard => ({
    seconds: (frames * rnnoiseFrame) / rnnoiseRateHz,
    voicedShare: frames === 0 ? 0 : voiced / frames,
    keptDb: before === 0 ? 0 : Math.max(-100, 10 * Math.log10(after / before))
  })
  const hear = (samples: Float32Array, place: number) => {
    frame.set(samples)
    for (const sample of frame) before += sample * sample
    if ((denoisers[place]?.process(frame) ?? 0) > certainly) voiced++
    for (const sample of frame) after += sample * sample
    frames++
  }
  for (let from = 0; from < framesOfPlace && !isClear(heard(), snrDb); from += roundFrames) {
    for (const [place, samples] of listening.entries()) {
      const end = Math.min(samples.length, (from + roundFrames) * rnnoiseFrame)
      for (let at = from * rnnoiseFrame; at + rnnoiseFrame <= end; at += rnnoiseFrame) hear(samples.subarray(at, at + rnnoiseFrame), place)
    }
  }
  return heard()
}

const result: Listened = { isSpeech: isSpeech(listen(), snrDb), hum: findHum(hum, humRateHz) }
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage({ result })
