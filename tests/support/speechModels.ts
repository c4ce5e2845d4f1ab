/**
 * Speech-denoising models of a few bytes, in the form that sherpa-onnx takes for the GTCRN family: a graph that is called
 * with the spectrum of one frame after another. ONNX is Protocol Buffers; what is written here is onnx.proto's.
 */
import { written } from "./audio.ts"

const varint = (value: number): Buffer => {
  const bytes: Array<number> = []
  let rest = value
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}
const field = (number: number, value: number | string | Buffer): Buffer => {
  if (typeof value === "number") return Buffer.concat([varint(number << 3), varint(value)])
  const bytes = Buffer.from(value)
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}
const message = (...fields: ReadonlyArray<Buffer>): Buffer => Buffer.concat(fields)

const bins = 257
const spectrumShape = [1, bins, 1, 2]
const cacheShape = [1]

const tensor = (name: string, shape: ReadonlyArray<number>): Buffer =>
  message(field(1, name), field(2, message(field(1, message(field(1, 1), field(2, message(...shape.map((size) => field(1, message(field(1, size)))))))))))
const node = (operation: string, inputs: ReadonlyArray<string>, output: string): Buffer =>
  message(...inputs.map((name) => field(1, name)), field(2, output), field(4, operation))
const scalar = (name: string, value: number): Buffer => {
  const raw = Buffer.alloc(4)
  raw.writeFloatLE(value)
  return message(field(2, 1), field(8, name), field(9, raw))
}
const axes = (name: string, value: number): Buffer => {
  const raw = Buffer.alloc(8)
  raw.writeBigInt64LE(BigInt(value))
  return message(field(1, 1), field(2, 7), field(8, name), field(9, raw))
}

const model = (nodes: ReadonlyArray<Buffer>, constants: ReadonlyArray<Buffer>): Buffer => {
  const caches = ["conv", "tra", "inter"]
  const graph = message(
    ...nodes.map((each) => field(1, each)),
    ...caches.map((name) => field(1, node("Identity", [`${name}_cache`], `${name}_cache_out`))),
    field(2, "denoiser"),
    ...constants.map((each) => field(5, each)),
    field(11, tensor("mix", spectrumShape)),
    ...caches.map((name) => field(11, tensor(`${name}_cache`, cacheShape))),
    field(12, tensor("enh", spectrumShape)),
    ...caches.map((name) => field(12, tensor(`${name}_cache_out`, cacheShape)))
  )
  const metadata = {
    model_type: "gtcrn", sample_rate: "16000", n_fft: "512", hop_length: "256", window_length: "512", window_type: "hann_sqrt", version: "1",
    conv_cache_shape: "1", tra_cache_shape: "1", inter_cache_shape: "1"
  }
  return message(
    field(1, 8),
    field(7, graph),
    field(8, message(field(1, ""), field(2, 13))),
    ...Object.entries(metadata).map(([key, value]) => field(14, message(field(1, key), field(2, value))))
  )
}

/** Turns each part of the spectrum down by how much of its power is noise: a Wiener filter for noise of this power in each bin. */
export const wienerModel = (noisePower: number): Promise<string> =>
  written(`wiener-${noisePower}.onnx`, model(
    [
      node("Mul", ["mix", "mix"], "squares"),
      node("ReduceSum", ["squares", "last"], "power"),
      node("Add", ["power", "noise"], "sum"),
      node("Div", ["power", "sum"], "gain"),
      node("Mul", ["mix", "gain"], "enh")
    ],
    [scalar("noise", noisePower), axes("last", 3)]
  ))

/** Multiplies everything by the same factor. */
export const gainModel = (factor: number): Promise<string> =>
  written(`gain-${factor}.onnx`, model([node("Mul", ["mix", "factor"], "enh")], [scalar("factor", factor)]))
