import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Attempt, correct, isMet, maxCorrectionDb, nearest, type Setting } from "../../../../src/audio/enhance/correction.ts"

const target = { targetLufs: -16, truePeakDbtp: -1.5 }
const attempt = (gainDb: number, integratedLufs: number, truePeakDbtp = -1.6, limitDb = -1.6): Attempt => ({ gainDb, limitDb, integratedLufs, truePeakDbtp })

describe("what is turned at after a pass that missed its target", () => {
  it("is nothing where no ear tells the error", () => {
    expect(correct(target, [attempt(4, -16.2)])).toBeUndefined()
  })
  it("is the gain, by more than is missing: the limiter takes its part", () => {
    expect(correct(target, [attempt(4, -17)])).toEqual({ gainDb: expect.closeTo(5.67), limitDb: -1.6 })
  })
  it("is the gain, by what the passes before taught", () => {
    expect(correct(target, [attempt(4, -17), attempt(5, -16.5)])).toEqual({ gainDb: expect.closeTo(6.18), limitDb: -1.6 })
  })
  it("is the limiter where a peak came out over the ceiling", () => {
    expect(correct(target, [attempt(4, -16, -1.25)])).toEqual({ gainDb: 4, limitDb: expect.closeTo(-1.95) })
  })
  it("is nothing where the ceiling allows no more", () => {
    expect(correct(target, [attempt(4, -17), attempt(5, -16.95)])).toBeUndefined()
    expect(correct(target, [attempt(4, -30), attempt(13, -25)])).toBeUndefined()
    expect(correct(target, [attempt(4, -20), attempt(8, -19)])).toBeUndefined()
  })
})

/** A recording under a limiter: up to `roomDb` of gain arrives whole, of each decibel beyond a share, and peaks overshoot. */
const recording = fc.record({
  beforeLufs: fc.double({ min: -40, max: -5, noNaN: true }),
  roomDb: fc.double({ min: -3, max: 20, noNaN: true }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  overshootDb: fc.double({ min: 0, max: 0.5, noNaN: true })
})

it("makes the best of five passes over any recording: never worse than the first, never by much more gain", () => {
  fc.assert(fc.property(recording, ({ beforeLufs, overshootDb, roomDb, share }) => {
    const rendered = ({ gainDb, limitDb }: Setting): Attempt => {
      const limitedDb = Math.max(0, gainDb - roomDb)
      return { gainDb, limitDb, integratedLufs: beforeLufs + gainDb - limitedDb * (1 - share), truePeakDbtp: limitDb + overshootDb }
    }
    const first = rendered({ gainDb: target.targetLufs - beforeLufs, limitDb: target.truePeakDbtp - 0.1 })
    const attempts: [Attempt, ...Array<Attempt>] = [first]
    while (attempts.length < 5) {
      const setting = correct(target, attempts)
      if (setting === undefined) break
      attempts.push(rendered(setting))
    }
    const best = nearest(target, attempts)
    const missing = (of: Attempt) => Math.abs(target.targetLufs - of.integratedLufs)
    const isOver = (of: Attempt) => of.truePeakDbtp > target.truePeakDbtp
    expect(isOver(best)).toBe(false)
    if (!isOver(first)) expect(missing(best)).toBeLessThanOrEqual(missing(first))
    for (const { gainDb } of attempts) expect(Math.abs(gainDb - first.gainDb)).toBeLessThanOrEqual(maxCorrectionDb + 1e-9)
    // So much more gain has to go in for what is missing to come out.
    const neededDb = missing(first) / Math.max(share, 0.001)
    if (neededDb < 8.9 && share > 0.11) expect(isMet(target, best)).toBe(true)
  }), { numRuns: 500 })
})
