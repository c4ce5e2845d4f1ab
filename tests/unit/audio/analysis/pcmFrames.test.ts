import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pcmFrames } from "../../../../src/audio/analysis/pcmFrames.ts"

describe("frames from a pipe", () => {
  it("are whole and complete wherever the pipe cuts them", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.float({ noNaN: true }), { maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      (channels, values, sizes) => {
        const samples = Float32Array.from(values.slice(0, values.length - (values.length % channels)))
        const bytes = new Uint8Array(samples.buffer)
        const received: Array<number> = []
        const push = pcmFrames(channels, (piece) => {
          expect(piece.length % channels).toBe(0)
          received.push(...piece)
        })
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length]!
          // A copy at an odd address, as pipes may hand it out.
          const chunk = new Uint8Array(size + 1).subarray(1)
          chunk.set(bytes.subarray(at, at + size))
          push(chunk.subarray(0, Math.min(size, bytes.length - at)))
          at += size
        }
        expect(received).toEqual([...samples])
      }
    ))
  })
  it("are handed on in bounded pieces, however large the chunk", () => {
    let total = 0
    let largest = 0
    pcmFrames(6, (piece) => {
      total += piece.length
      largest = Math.max(largest, piece.length)
    })(new Uint8Array(6 * 4 * 100_000))
    expect(total).toBe(600_000)
    expect(largest).toBeLessThanOrEqual(32_768)
  })
})
