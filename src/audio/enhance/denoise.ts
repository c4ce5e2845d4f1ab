/** The three ways to take noise out of a recording, from the one that always works to the best. */
import { join } from "node:path"
import { Effect } from "effect"
import type { QualityTier } from "../../domain/Track.ts"
import { strictness } from "../analysis/completeness.ts"
import { FFmpeg } from "../FFmpeg.ts"
import { input, pcmInput } from "../ffmpeg/input.ts"
import { applyRnnoise } from "./applyRnnoise.ts"
import type { AudioFile } from "./AudioFile.ts"
import { deEsser, highPass, humNotches, spectralDenoiser } from "./filters.ts"
import type { Inspection } from "./inspect.ts"
import { render, type Rendered } from "./render.ts"
import { rnnoiseRateHz } from "./rnnoise.ts"
import { applySpeechModel, type SpeechModel } from "./speechModel.ts"
import { cleanSpeechSnrDb, type Denoised, judgeDenoising, unsuitableForRnnoise } from "./thresholds.ts"

export interface DenoiseRequest {
  readonly file: AudioFile
  readonly inspection: Inspection
  /** An empty directory for what is in the making. Headerless samples of 48 kHz go there: 690 MB for half an hour in stereo. */
  readonly directory: string
  readonly onProgress: (fraction: number) => void
}

/** A recording that is denoised and freed of what is below hearing, at the loudness that this left it with. */
export interface Cleaned extends Rendered, Denoised {
  /** A FLAC of 24 bits, of the rate and the channels that the recording had. */
  readonly path: string
}

/** FLAC holds nothing over full scale, and filters can raise a peak by some decibels. */
const headroomDb = 3

const headroomGainDb = ({ peakDbfs }: Inspection): number => Math.min(0, -(peakDbfs + headroomDb))

/** The last pass, the same for all: the recording, however it was denoised, as the FLAC that loudness is measured of. */
const finish = Effect.fnUntraced(function* (tier: QualityTier | undefined, request: DenoiseRequest, source: { readonly input: ReadonlyArray<string>; readonly filters?: ReadonlyArray<string>; readonly progressFrom?: number }) {
  const { directory, file, inspection } = request
  const gainDb = headroomGainDb(inspection)
  const from = source.progressFrom ?? 0
  const path = join(directory, `${tier ?? "untouched"}.flac`)
  const rendered = yield* render({
    input: source.input,
    filters: [
      ...source.filters ?? [],
      ...(inspection.isSpeech ? deEsser(file.sampleRateHz) : []),
      ...(gainDb < 0 ? [`volume=${gainDb.toFixed(3)}dB`] : []),
      `aformat=sample_rates=${file.sampleRateHz}`,
      highPass(file.sampleRateHz),
      // Filters give out what they still hold when the input has ended.
      `atrim=end_sample=${inspection.frames}`
    ],
    path,
    sampleRateHz: file.sampleRateHz,
    channels: file.channels,
    moments: inspection.moments,
    onProgress: (renderedMs) => request.onProgress(from + (1 - from) * Math.min(1, renderedMs / Math.max(1, inspection.durationMs)))
  })
  const cleaned: Cleaned = { ...rendered, path, gainDb }
  const fault = tier === undefined ? undefined : judgeDenoising(tier, inspection, cleaned)
  if (fault !== undefined) return yield* fault
  return cleaned
})

const read = ({ demuxer, path }: AudioFile) => [...strictness(demuxer), ...input(path, demuxer)]

const notches = ({ file, inspection }: DenoiseRequest) => (inspection.hum === undefined ? [] : [humNotches(inspection.hum, file.sampleRateHz)]).filter((graph) => graph !== "")

/** Without denoising. */
export const leaveNoise = Effect.fn("audio.leaveNoise")(function* (request: DenoiseRequest) {
  return yield* finish(undefined, request, { input: read(request.file) })
})

/**
 * BASIC: notches for mains hum, spectral subtraction of the noise that was found in the pauses. Of recordings that are not
 * speech only the hum is taken: in dense music nothing tells quiet notes from noise.
 */
export const denoiseBasic = Effect.fn("audio.denoiseBasic")(function* (request: DenoiseRequest) {
  const { file, inspection } = request
  const isNoisy = inspection.isSpeech && inspection.snrDb !== null && inspection.snrDb < cleanSpeechSnrDb
  return yield* finish("BASIC", request, {
    input: read(file),
    filters: [...notches(request), ...(isNoisy ? [spectralDenoiser(inspection.profileDbfs, file.sampleRateHz)] : [])]
  })
})

const samplesAt48kHz = Effect.fnUntraced(function* (request: DenoiseRequest, name: string) {
  const ffmpeg = yield* FFmpeg
  const path = join(request.directory, name)
  yield* ffmpeg.run({
    args: [
      ...read(request.file), "-map", "0:a:0", ...(notches(request).length === 0 ? [] : ["-af", notches(request).join(",")]),
      "-f", "f32le", "-ar", String(rnnoiseRateHz), "-ac", String(request.file.channels), `file:${path}`
    ]
  })
  return path
})

/** How a rung's time divides between its network and the last pass. */
const networkShare = 0.8

/** MEDIUM: RNNoise, a small network for voices, for speech in much noise. */
export const denoiseMedium = Effect.fn("audio.denoiseMedium")(function* (request: DenoiseRequest) {
  const { channels } = request.file
  const unsuitable = unsuitableForRnnoise(request.inspection)
  if (unsuitable !== undefined) return yield* unsuitable
  const path = yield* samplesAt48kHz(request, "medium.f32")
  yield* applyRnnoise({ path, channels, onProgress: (fraction) => request.onProgress(fraction * networkShare) })
  return yield* finish("MEDIUM", request, { input: pcmInput(path, "f32le", rnnoiseRateHz, channels), progressFrom: networkShare })
})

/** HIGH: a speech model that the operator supplies. */
export const denoiseHigh = (model: SpeechModel | undefined) =>
  Effect.fn("audio.denoiseHigh")(function* (request: DenoiseRequest) {
    const { channels } = request.file
    const path = yield* samplesAt48kHz(request, "high.f32")
    const output = join(request.directory, "high-denoised.f32")
    const { sampleRateHz } = yield* applySpeechModel(model, {
      input: path, output, channels, sampleRateHz: rnnoiseRateHz,
      onProgress: (fraction) => request.onProgress(fraction * networkShare)
    })
    return yield* finish("HIGH", request, { input: pcmInput(output, "f32le", sampleRateHz, channels), progressFrom: networkShare })
  })
