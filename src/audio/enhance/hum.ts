/** Mains hum: lines at the multiples of 50 or 60 Hz that are there all the time, in speech as in pauses. */
import { PowerSpectrum } from "./powerSpectrum.ts"

export interface Hum {
  /** As found, which is within 0.3 % of the mains' 50 or 60 Hz. */
  readonly fundamentalHz: number
  /** Which multiples of it are heard, lowest first. */
  readonly harmonics: ReadonlyArray<number>
  /** How many of them stand out so far that they cannot be taken for anything else. Two are plenty in speech; a kick drum has as many. */
  readonly provingLines: number
}

/** Enough for all the lines that are looked for: less to compute than at the recording's rate. */
export const humRateHz = 6_000
const mainsHz = [50, 60] as const
const toleratedDeviation = 0.003
const highestHz = 1_300
/** Of a frame, which gives lines of less than 1 Hz. */
const frameSeconds = 1.3
/** The level that is exceeded in four of five frames: a note or a vowel is not there so long. */
const steadyShare = 0.2
/** Over its surroundings, for a line to prove that there is hum; once it is proven, less will do. */
const provingProminenceDb = 12
const minProminenceDb = 6
const minProvingLines = 2
/** Weaker lines are not heard. */
const quietestDbfs = -80

/** Per bin, the power that only a fifth of the frames fall short of. */
const steadySpectrum = (pieces: ReadonlyArray<Float32Array>, sampleRateHz: number) => {
  const spectrum = new PowerSpectrum(2 ** Math.round(Math.log2(sampleRateHz * frameSeconds)))
  const hzPerBin = sampleRateHz / spectrum.length
  const bins = Math.ceil(highestHz / hzPerBin)
  const powers = new Float64Array(spectrum.length / 2 + 1)
  const frames: Array<Float64Array> = []
  for (const piece of pieces) {
    for (let from = 0; from + spectrum.length <= piece.length; from += spectrum.length / 2) {
      spectrum.transform(piece, from, 1, powers)
      frames.push(powers.slice(0, bins))
    }
  }
  const steady = Float64Array.from({ length: frames.length === 0 ? 0 : bins }, (_, bin) => {
    const sorted = Float64Array.from(frames, (frame) => frame[bin]!).toSorted()
    return sorted[Math.floor((sorted.length - 1) * steadyShare)]!
  })
  return { steady, hzPerBin, length: spectrum.length }
}

/**
 * What a line has to stand out from: the louder of its surroundings, so that one among many, as a beat has them, is none.
 */
const loudTenth = (values: Float64Array): number => values.toSorted()[Math.floor(values.length * 0.9)] ?? 0

/** Looks for hum in mono pieces, each of some seconds. Undefined when there is none, or less than a piece of 1.3 s. */
export const findHum = (pieces: ReadonlyArray<Float32Array>, sampleRateHz: number): Hum | undefined => {
  const { hzPerBin, length, steady } = steadySpectrum(pieces, sampleRateHz)
  if (steady.length === 0) return undefined
  /** A sine of amplitude a has the power a² / 2, gathered in one bin of a Hann window: a² / 4 × length / 1.5. */
  const lineDbfs = (power: number) => 10 * Math.log10(Math.max(power, 1e-20) * 3 / length)

  const lineNear = (frequencyHz: number) => {
    const reach = Math.max(2, Math.ceil((frequencyHz * toleratedDeviation) / hzPerBin))
    const centre = Math.round(frequencyHz / hzPerBin)
    let bin = centre
    for (let other = centre - reach; other <= centre + reach; other++) if ((steady[other] ?? 0) > (steady[bin] ?? 0)) bin = other
    const power = steady[bin] ?? 0
    const surroundings = loudTenth(Float64Array.from([...steady.subarray(Math.max(0, bin - 25), bin - 5), ...steady.subarray(bin + 6, bin + 26)]))
    const prominenceDb = 10 * Math.log10(power / Math.max(surroundings, 1e-20))
    if (lineDbfs(power) < quietestDbfs || prominenceDb < minProminenceDb) return undefined
    // The peak of a parabola through three bins, in decibels.
    const [before, at, after] = [steady[bin - 1] ?? power, power, steady[bin + 1] ?? power].map((value) => Math.log(Math.max(value, 1e-20))) as [number, number, number]
    const curvature = before - 2 * at + after
    return { frequencyHz: (bin + (curvature === 0 ? 0 : (before - after) / (2 * curvature))) * hzPerBin, isProof: prominenceDb >= provingProminenceDb }
  }

  const found = mainsHz.map((mains) => {
    const lines = Array.from({ length: Math.floor(highestHz / mains) - 1 }, (_, index) => index + 1).flatMap((harmonic) => {
      const line = lineNear(harmonic * mains)
      const tolerated = Math.max(harmonic * mains * toleratedDeviation, hzPerBin / 2)
      return line !== undefined && Math.abs(line.frequencyHz - harmonic * mains) <= tolerated ? [{ ...line, harmonic, fundamentalHz: line.frequencyHz / harmonic }] : []
    })
    return { lines, proving: lines.filter(({ isProof }) => isProof) }
  }).toSorted((a, b) => b.proving.length - a.proving.length)[0]
  // 300 Hz and its multiples belong to both. The highest line that proves it says most exactly where the lowest is.
  const surest = found?.proving.at(-1)
  if (found === undefined || surest === undefined || found.proving.length < minProvingLines || !found.proving.some(({ harmonic }) => harmonic <= 2)) return undefined
  return { fundamentalHz: surest.fundamentalHz, harmonics: found.lines.map(({ harmonic }) => harmonic), provingLines: found.proving.length }
}
