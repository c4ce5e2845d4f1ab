import { crc32, inflateSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { drawPng } from "../../../../src/audio/waveform/png.ts"

interface Picture {
  readonly width: number
  readonly height: number
  /** Rows of "#" and "." */
  readonly rows: ReadonlyArray<string>
}

/** Reads a PNG by its specification: checks the signature, every sum and the order of chunks. */
const readPng = (png: Buffer): Picture => {
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n")
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    const body = png.subarray(at + 4, at + 8 + length)
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks.set(body.toString("latin1", 0, 4), body.subarray(4))
    at += 12 + length
  }
  expect([...chunks.keys()]).toEqual(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"])
  const header = chunks.get("IHDR")!
  expect([...header.subarray(8)]).toEqual([1, 3, 0, 0, 0])
  expect([...chunks.get("tRNS")!]).toEqual([0, 255])
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const rows = inflateSync(chunks.get("IDAT")!)
  const rowBytes = 1 + Math.ceil(width / 8)
  expect(rows).toHaveLength(rowBytes * height)
  return {
    width,
    height,
    rows: Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => ((rows[y * rowBytes + 1 + (x >> 3)]! >> (7 - (x & 7))) & 1 ? "#" : ".")).join(""))
  }
}

const waveform = (...peaks: ReadonlyArray<number>) => ({ sampleRateHz: 44_100, samplesPerPixel: 256, peaks: Int8Array.from(peaks) })

describe("a picture of a waveform", () => {
  it("shows each pair of peaks as a column from the greatest down to the least", () => {
    const { rows } = readPng(drawPng(waveform(-128, 127, 0, 0, -64, 64, 0, 127), 4, 9))
    expect(rows).toEqual(["#..#", "#..#", "#.##", "#.##", "####", "#.#.", "#.#.", "#...", "#..."])
  })
  it.each([[16, 16], [17, 33], [1200, 200], [4096, 2048]])("is %i × %i pixels when that is asked for", (width, height) => {
    const peaks = Array.from({ length: 10_000 }, (_, at) => (at % 2 === 0 ? -100 : 100))
    const picture = readPng(drawPng(waveform(...peaks), width, height))
    expect([picture.width, picture.height]).toEqual([width, height])
    expect(picture.rows[Math.floor(height / 2)]).toBe("#".repeat(width))
    expect(picture.rows[0]).toBe(".".repeat(width))
  })
  it("loses no peak when it is narrower than the waveform", () => {
    const peaks = Array.from({ length: 2000 }, () => 0)
    peaks[1003] = 127
    const { rows } = readPng(drawPng(waveform(...peaks), 10, 21))
    expect(rows[0]).toBe(".....#....")
  })
  it("fills its width when the waveform has fewer pairs than columns", () => {
    const { rows } = readPng(drawPng(waveform(-128, 127, 0, 0), 8, 3))
    expect(rows).toEqual(["####....", "########", "####...."])
  })
  it("of nothing is empty", () => {
    expect(readPng(drawPng(waveform(), 16, 16)).rows.join("")).not.toContain("#")
  })
})
