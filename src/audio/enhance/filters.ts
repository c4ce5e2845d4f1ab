/** The pieces of ffmpeg filter graphs that enhancement is made of. Each leaves length and position of the audio as they were. */
import type { Hum } from "./hum.ts"

/** Wide enough for mains that wander, narrow enough to leave a voice whole. */
const notchWidthHz = 2

/** A notch at every line of the hum. Their ringing dies away within a fifth of a second. */
export const humNotches = ({ fundamentalHz, harmonics }: Hum, sampleRateHz: number): string =>
  harmonics
    .map((harmonic) => harmonic * fundamentalHz)
    .filter((frequencyHz) => frequencyHz < sampleRateHz * 0.45)
    .map((frequencyHz) => `bandreject=f=${frequencyHz.toFixed(3)}:width_type=h:w=${notchWidthHz}`)
    .join(",")

/** A filter that is late by so many samples, put back in time: the end is fed with silence, the beginning cut. */
const inTime = (filter: string, delay: number): string => `apad=pad_len=${delay},${filter},atrim=start_sample=${delay},asetpts=N/SR/TB`

const subsonicHz = 20
/** Half the filter's length: an offset is lowered by more than 100 dB, 30 Hz by 0.3 dB. */
const highPassSeconds = 0.1

/**
 * Takes out what is below hearing, an offset of the zero line among it. Of linear phase: a recursive filter would turn the
 * phases of everything below some hundred hertz, so that the result could no longer be compared with the recording.
 */
export const highPass = (sampleRateHz: number): string => {
  const delay = Math.round(sampleRateHz * highPassSeconds)
  return inTime(`firequalizer=gain='if(lt(f,${subsonicHz}),-90,0)':delay=${delay / sampleRateHz}:wfunc=nuttall`, delay)
}

/** Esses are above 4 kHz: of a telephone's recording there is nothing to take. */
const minDeEsserRateHz = 16_000

/** Softens sharp esses. At this intensity it is silent where there are none: −74 dB of difference on clean speech. */
export const deEsser = (sampleRateHz: number): ReadonlyArray<string> => (sampleRateHz < minDeEsserRateHz ? [] : ["deesser=i=0.2"])

const maxReductionDb = 24
/** The profile is of the quietest moments: the mean of the noise is somewhat above. */
const aboveFloorDb = 3
/** What the filter takes (libavfilter/af_afftdn.c). */
const floorRange = { lowest: -80, highest: -20 }
const bandRangeDb = 24

/** Spectral subtraction with a noise profile, for each of `profileBandsHz` the level of white noise that is as dense. */
export const spectralDenoiser = (profileDbfs: ReadonlyArray<number>, sampleRateHz: number): string => {
  const mean = profileDbfs.reduce((sum, level) => sum + level, 0) / profileDbfs.length
  const bands = profileDbfs.map((level) => Math.min(bandRangeDb, Math.max(-bandRangeDb, level - mean)).toFixed(1))
  const floorDbfs = Math.min(floorRange.highest, Math.max(floorRange.lowest, mean + aboveFloorDb))
  // Two of its steps of 1/80 s.
  return inTime(`afftdn=nr=${maxReductionDb}:nf=${floorDbfs.toFixed(1)}:nt=custom:bn=${bands.join("|")}`, 2 * Math.floor(sampleRateHz / 80))
}
