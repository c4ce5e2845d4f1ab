/**
 * RNNoise's network for ffmpeg's arnndn, with the layers that it was published with in 2018 and weights out of thin air: how
 * long it takes does not depend on what it has learnt, and no package brings a trained one.
 */

const layers = [
  { kind: "dense", inputs: 42, neurons: 24, activation: "tanh" },
  { kind: "gru", inputs: 24, neurons: 24, activation: "tanh" },
  { kind: "gru", inputs: 90, neurons: 48, activation: "relu" },
  { kind: "gru", inputs: 114, neurons: 96, activation: "tanh" },
  { kind: "dense", inputs: 96, neurons: 22, activation: "sigmoid" },
  { kind: "dense", inputs: 24, neurons: 1, activation: "sigmoid" }
] as const
const activations = { sigmoid: 0, tanh: 1, relu: 2 } as const

/** The text of a model file as libavfilter/af_arnndn.c reads it. */
export const untrainedRnnoise = (): string => {
  let count = 0
  const weights = (length: number) => Array.from({ length }, () => Math.round(30 * Math.sin(count++ * 12.9898))).join(" ")
  const text = layers.flatMap(({ activation, inputs, kind, neurons }) => {
    const gates = kind === "gru" ? 3 : 1
    return [
      `${inputs} ${neurons} ${activations[activation]}`,
      weights(inputs * neurons * gates), ...(kind === "gru" ? [weights(neurons * neurons * gates)] : []), weights(neurons * gates)
    ]
  })
  return ["rnnoise-nu model file version 1", ...text, ""].join("\n")
}
