/** The noises that enhancement is measured with. At 44.1 kHz, each of so many seconds, and the same every time. */
import { speech } from "./audio.ts"
import { decoded, synthesized } from "./signals.ts"

export const noiseRateHz = 44_100

const harmonics = [1, 0.6, 0.4, 0.3, 0.2, 0.15]

/** Six voices at once: the recording of speech from six places, each at another pitch. */
const babble = async (seconds: number): Promise<Float32Array> => {
  const voice = await decoded(speech, noiseRateHz)
  const speeds = [0.84, 0.92, 1.09, 1.17, 0.78, 1.03]
  return Float32Array.from({ length: seconds * noiseRateHz }, (_, n) =>
    speeds.reduce((sum, speed, index) => sum + voice[Math.floor(n * speed + (index + 1) * 4.3 * noiseRateHz) % voice.length]!, 0))
}

export const noises: { readonly [Name in "white hiss" | "pink hiss" | "hum" | "babble"]: (seconds: number) => Promise<Float32Array> } = {
  "white hiss": (seconds) => synthesized(`anoisesrc=c=white:r=${noiseRateHz}:d=${seconds}:seed=1:a=0.1`, noiseRateHz),
  "pink hiss": (seconds) => synthesized(`anoisesrc=c=pink:r=${noiseRateHz}:d=${seconds}:seed=2:a=0.1`, noiseRateHz),
  hum: (seconds) =>
    Promise.resolve(Float32Array.from({ length: seconds * noiseRateHz }, (_, n) =>
      harmonics.reduce((sum, level, index) => sum + 0.1 * level * Math.sin((2 * Math.PI * 50 * (index + 1) * n) / noiseRateHz), 0))),
  babble
}
