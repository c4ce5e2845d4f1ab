/** A picture of a waveform: a 1-bit PNG with a palette of two colours, one of them transparent (W3C PNG, third edition). */
import { crc32, deflateSync } from "node:zlib"
import type { Waveform } from "./Waveform.ts"

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const indexedColour = 3
const background = [0, 0, 0]
const foreground = [0x3b, 0x82, 0xf6]

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** One bit a pixel, most significant first; each row starts with the byte that says “not filtered”. */
const drawRows = (peaks: Int8Array, width: number, height: number): Buffer => {
  const rowBytes = 1 + Math.ceil(width / 8)
  const rows = Buffer.alloc(rowBytes * height)
  const columns = peaks.length / 2
  const rowOf = (value: number) => Math.round(((127 - value) / 255) * (height - 1))
  if (columns === 0) return rows
  for (let x = 0; x < width; x++) {
    const first = Math.floor((x * columns) / width)
    const last = Math.max(first + 1, Math.floor(((x + 1) * columns) / width))
    let min = 127
    let max = -128
    for (let column = first; column < last; column++) {
      min = Math.min(min, peaks[column * 2]!)
      max = Math.max(max, peaks[column * 2 + 1]!)
    }
    const bit = 0x80 >> (x & 7)
    const at = 1 + (x >> 3)
    rows[rowOf(max) * rowBytes + at]! ^= bit
    const below = rowOf(min) + 1
    if (below < height) rows[below * rowBytes + at]! ^= bit
  }
  // Only where a column begins and ends was marked: eight columns at a time are now filled in between.
  for (let at = rowBytes; at < rows.length; at++) rows[at]! ^= rows[at - rowBytes]!
  return rows
}

/** `width` and `height` in pixels. Every column shows all peaks that fall into it. The largest (4096 × 2048) takes a few milliseconds. */
export const drawPng = ({ peaks }: Waveform, width: number, height: number): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([1, indexedColour, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from(signature),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from([...background, ...foreground])),
    chunk("tRNS", Buffer.from([0, 255])),
    chunk("IDAT", deflateSync(drawRows(peaks, width, height), { level: 1 })),
    chunk("IEND", Buffer.alloc(0))
  ])
}
