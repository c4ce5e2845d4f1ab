/** Samples in memory: decoded, mixed, compared. Mono unless said otherwise, full scale at ±1. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { bundledFFmpeg, written } from "./audio.ts"

const run = promisify(execFile)

/** A file's samples, interleaved where there is more than one channel. */
export const decoded = async (path: string, sampleRateHz: number, channels = 1): Promise<Float32Array> => {
  const { stdout } = await run(bundledFFmpeg, ["-nostdin", "-v", "error", "-i", path, "-f", "f32le", "-ar", String(sampleRateHz), "-ac", String(channels), "-"], { encoding: "buffer", maxBuffer: 2 ** 31 })
  return new Float32Array(new Uint8Array(stdout).buffer)
}

/** What a `lavfi` source gives, such as `anoisesrc=c=pink:r=44100:d=3:seed=1`. */
export const synthesized = async (graph: string, sampleRateHz: number): Promise<Float32Array> => {
  const { stdout } = await run(bundledFFmpeg, ["-nostdin", "-v", "error", "-f", "lavfi", "-i", graph, "-f", "f32le", "-ar", String(sampleRateHz), "-ac", "1", "-"], { encoding: "buffer", maxBuffer: 2 ** 31 })
  return new Float32Array(new Uint8Array(stdout).buffer)
}

/** A WAV of 32-bit floats. */
export const wavOf = (samples: Float32Array, sampleRateHz: number, channels = 1): Buffer => {
  const header = Buffer.alloc(44)
  header.write("RIFF", 0, "latin1")
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write("WAVEfmt ", 8, "latin1")
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(3, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(sampleRateHz, 24)
  header.writeUInt32LE(sampleRateHz * channels * 4, 28)
  header.writeUInt16LE(channels * 4, 32)
  header.writeUInt16LE(32, 34)
  header.write("data", 36, "latin1")
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)])
}

export const writtenWav = (name: string, samples: Float32Array, sampleRateHz: number, channels = 1): Promise<string> => written(name, wavOf(samples, sampleRateHz, channels))

const power = (samples: Float32Array): number => samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length

/** Speech with noise so many decibels below it (mean power to mean power), both turned down together so that nothing clips. */
export const mixed = (speech: Float32Array, noise: Float32Array, snrDb: number): { readonly noisy: Float32Array; readonly clean: Float32Array } => {
  const length = Math.min(speech.length, noise.length)
  const clean = speech.slice(0, length)
  const gain = Math.sqrt(power(clean) / power(noise.subarray(0, length)) / 10 ** (snrDb / 10))
  const noisy = clean.map((sample, index) => sample + gain * noise[index]!)
  const scale = 0.7 / noisy.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)
  return { noisy: noisy.map((sample) => sample * scale), clean: clean.map((sample) => sample * scale) }
}

/** Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., "SDR – half-baked or well done?", 2019), without any shift in time. */
export const siSdrDb = (reference: Float32Array, estimate: Float32Array): number => {
  const length = Math.min(reference.length, estimate.length)
  let dot = 0
  let energy = 0
  for (let index = 0; index < length; index++) {
    dot += reference[index]! * estimate[index]!
    energy += reference[index]! ** 2
  }
  const scale = dot / energy
  let error = 0
  for (let index = 0; index < length; index++) error += (estimate[index]! - scale * reference[index]!) ** 2
  return 10 * Math.log10((scale * scale * energy) / Math.max(error, 1e-20))
}
