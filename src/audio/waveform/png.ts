/** A picture of a waveform: an 8-bit PNG with a palette of two colours, one of them transparent (W3C PNG, third edition). */
import { crc32, deflateSync } from "node:zlib"
import type { Waveform } from "./Waveform.ts"

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

const indexedColour = 3
const foreground = [0x3b, 0x82, 0xf6]

/** `width` and `height` in pixels. Every column shows all peaks that fall into it. */
export const drawPng = ({ peaks }: Waveform, width: number, height: number): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, indexedColour, 0, 0, 0], 8)
  const rowLength = width + 1
  const rows = Buffer.alloc(rowLength * height)
  const pixels = peaks.length / 2
  const rowOf = (value: number) => Math.round(((127 - value) / 255) * (height - 1))
  for (let x = 0; x < width && pixels > 0; x++) {
    let min = 127
    let max = -128
    const first = Math.floor((x * pixels) / width)
    const last = Math.max(first + 1, Math.floor(((x + 1) * pixels) / width))
    for (let pixel = first; pixel < last; pixel++) {
      min = Math.min(min, peaks[pixel * 2]!)
      max = Math.max(max, peaks[pixel * 2 + 1]!)
    }
    for (let y = rowOf(max); y <= rowOf(min); y++) rows[y * rowLength + 1 + x] = 1
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from([0, 0, 0, ...foreground])),
    chunk("tRNS", Buffer.from([0, 255])),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0))
  ])
}
