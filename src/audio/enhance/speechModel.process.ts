/**
 * A process of its own that runs a speech-denoising model over a file of headerless samples. Its one argument is the task;
 * on descriptor 3 it says the model's sampling rate once that is loaded, and how far it is.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs"
import { createRequire } from "node:module"

export interface SpeechModelTask {
  readonly modelPath: string
  /** Interleaved 32-bit floats, little endian. */
  readonly input: string
  readonly output: string
  readonly sampleRateHz: number
  readonly channels: number
}

interface SpeechDenoiser {
  readonly sampleRate: number
  readonly run: (audio: { readonly samples: Float32Array; readonly sampleRate: number; readonly enableExternalBuffer: boolean }) => { readonly samples: Float32Array }
}

const { channels, input, modelPath, output, sampleRateHz } = JSON.parse(process.argv[2] ?? "") as SpeechModelTask

// Optional, so it is looked up when it is needed. It has no types.
const { OfflineSpeechDenoiser } = createRequire(import.meta.url)("sherpa-onnx-node") as { readonly OfflineSpeechDenoiser: new (config: unknown) => SpeechDenoiser }
const family = readFileSync(modelPath).includes("dpdfnet") ? "dpdfnet" : "gtcrn"
const denoiser = new OfflineSpeechDenoiser({ model: { [family]: { model: modelPath }, numThreads: 1, debug: false, provider: "cpu" } })
const say = (line: string) => writeSync(3, `${line}\n`)
say(`rate ${denoiser.sampleRate}`)

/** The model sees so much at a time, so that memory does not grow with the recording. */
const blockSeconds = 30
/** Blocks begin so much earlier than their part of the result: the model has heard what comes before. */
const leadSeconds = 1

const source = openSync(input, "r")
const target = openSync(output, "w")
const bytesPerFrame = channels * Float32Array.BYTES_PER_ELEMENT
const totalFrames = Math.floor(fstatSync(source).size / bytesPerFrame)
const outputFrames = (frames: number) => Math.round((frames * denoiser.sampleRate) / sampleRateHz)

for (let start = 0; start < totalFrames; start += blockSeconds * sampleRateHz) {
  const from = Math.max(0, start - leadSeconds * sampleRateHz)
  const end = Math.min(totalFrames, start + blockSeconds * sampleRateHz)
  const interleaved = new Float32Array((end - from) * channels)
  readSync(source, interleaved, 0, interleaved.byteLength, from * bytesPerFrame)
  const skipped = outputFrames(start) - outputFrames(from)
  const kept = outputFrames(end) - outputFrames(start)
  const result = new Float32Array(kept * channels)
  for (let channel = 0; channel < channels; channel++) {
    const samples = Float32Array.from({ length: end - from }, (_, index) => interleaved[index * channels + channel] ?? 0)
    const denoised = denoiser.run({ samples, sampleRate: sampleRateHz, enableExternalBuffer: false }).samples
    for (let index = 0; index < kept; index++) result[index * channels + channel] = denoised[skipped + index] ?? 0
  }
  writeSync(target, new Uint8Array(result.buffer))
  say(`progress ${end / totalFrames}`)
}
closeSync(source)
closeSync(target)
