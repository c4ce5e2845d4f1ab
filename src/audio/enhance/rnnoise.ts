/**
 * RNNoise (Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement", 2018) as WebAssembly.
 * The package's synchronous build has the larger network of RNNoise 0.2, the other one that of 2018.
 */
import createModule from "@jitsi/rnnoise-wasm/dist/rnnoise-sync.js"

/** The network knows this rate and no other. */
export const rnnoiseRateHz = 48_000
/** 10 ms. */
export const rnnoiseFrame = 480
/** By how much the output is behind the input: one frame of overlap, one of look-ahead. */
export const rnnoiseDelay = 960

/** The network was trained on samples of 16 bits. */
const fullScale = 32_768

export interface RnnoiseChannel {
  /** Denoises one frame in place, full scale at ±1. Returns how likely it is that somebody speaks in it, 0 to 1. */
  readonly process: (frame: Float32Array) => number
}

/** One denoiser a channel: each remembers what it has heard. */
export const openRnnoise = (channels: number): ReadonlyArray<RnnoiseChannel> => {
  const module = createModule()
  const pointer = module._malloc(rnnoiseFrame * Float32Array.BYTES_PER_ELEMENT)
  return Array.from({ length: channels }, () => {
    const state = module._rnnoise_create(0)
    return {
      process: (frame) => {
        // Made anew each time: the memory may have moved when it grew.
        const shared = module.HEAPF32.subarray(pointer / 4, pointer / 4 + rnnoiseFrame)
        for (let index = 0; index < rnnoiseFrame; index++) shared[index] = frame[index]! * fullScale
        const voice = module._rnnoise_process_frame(state, pointer, pointer)
        for (let index = 0; index < rnnoiseFrame; index++) frame[index] = shared[index]! / fullScale
        return voice
      }
    }
  })
}
