import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compare, sameRecording } from "../../../../src/audio/fingerprint/similarity.ts"
import { queryTerms, terms } from "../../../../src/audio/fingerprint/terms.ts"

/** A sequence as different recordings have it: neighbours alike, everything else by chance. Deterministic. */
const recording = (seed: number, length: number): Int32Array => {
  let state = seed * 2_654_435_761 + 1
  const random = () => {
    state = Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393
    return (state ^ (state >>> 13)) >>> 0
  }
  const hashes = new Int32Array(length)
  let value = random()
  for (let at = 0; at < length; at++) {
    value ^= 1 << (random() % 32)
    value ^= 1 << (random() % 32)
    value ^= 1 << (random() % 32)
    hashes[at] = value
  }
  return hashes
}

/** The same with every n-th bit flipped, as encoders do. */
const reencoded = (hashes: Int32Array, everyNthBit: number): Int32Array =>
  hashes.map((hash, at) => {
    let changed = hash
    for (let bit = 0; bit < 32; bit++) if ((at * 32 + bit) % everyNthBit === everyNthBit - 1) changed ^= 1 << bit
    return changed
  })

describe("comparing fingerprints", () => {
  const song = recording(1, 1600)

  it("finds a recording equal to itself", () => {
    expect(sameRecording(song, song)).toEqual({ similarity: 1, overlap: 1600, offset: 0 })
  })
  it("finds a re-encoding, and says how much of it is alike", () => {
    const found = sameRecording(song, reencoded(song, 41))
    expect(found?.similarity).toBeCloseTo(1 - 1 / 41, 3)
    expect(found?.offset).toBe(0)
  })
  it.each([[80, 1600], [0, 1520], [700, 760], [1100, 1600]])("finds the part from %i to %i of it, whichever of the two is asked about", (from, to) => {
    const part = reencoded(song.slice(from, to), 41)
    expect(sameRecording(song, part)).toMatchObject({ overlap: to - from, offset: from })
    expect(sameRecording(part, song)).toMatchObject({ overlap: to - from, offset: 0 - from })
  })
  it("is the same both ways round", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 45, max: 100 }), fc.integer({ min: 20, max: 60 }), (from, length, everyNthBit) => {
      const part = reencoded(song.slice(from, from + length), everyNthBit)
      expect(compare(part, song)?.similarity).toBe(compare(song, part)?.similarity)
    }))
  })
  it("does not take another recording for the same", () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 10_000 }), (seed) => {
      expect(sameRecording(song, recording(seed, 1600))).toBeUndefined()
    }), { numRuns: 30 })
  })
  it("does not take two songs for one that share a sample of half a minute", () => {
    const other = recording(2, 1600)
    other.set(song.subarray(300, 540), 900)
    expect(sameRecording(song, other)).toBeUndefined()
  })
  it("does not take recordings for the same because both are silent for minutes", () => {
    const silence = new Int32Array(1500).fill(627_964_279)
    const [one, two] = [3, 4].map((seed) => Int32Array.from([...recording(seed, 100), ...silence]))
    expect(sameRecording(one!, two!)).toBeUndefined()
    expect(sameRecording(silence, silence)).toBeUndefined()
  })
  it("proves nothing by less than five seconds", () => {
    expect(sameRecording(song, song.slice(100, 130))).toBeUndefined()
    expect(sameRecording(song, new Int32Array(0))).toBeUndefined()
  })
  it("takes a moment, even for four hours of audio", () => {
    const long = recording(7, 116_000)
    const started = performance.now()
    expect(sameRecording(long, reencoded(long.slice(60_000, 60_100), 41))).toMatchObject({ offset: 60_000 })
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe("index terms", () => {
  it("are distinct, and each is a value of the fingerprint", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -3, max: 3 })), (hashes) => {
      const found = terms(hashes)
      expect(new Set(found).size).toBe(found.length)
      expect(found.every((term) => hashes.includes(term))).toBe(true)
    }))
  })
  it("leave out what stands still, so that silence and held tones are found by nothing", () => {
    expect(terms(new Int32Array(500).fill(627_964_279))).toEqual([])
    expect(terms([1, 2, 2, 3])).toEqual([1, 3])
  })
  it("of a query are all of them for a short recording, and an even choice of 960 for a long one", () => {
    const short = recording(5, 60)
    expect(queryTerms(short)).toEqual(terms(short))
    const long = recording(6, 20_000)
    const [all, chosen] = [terms(long), queryTerms(long)]
    expect(chosen).toHaveLength(960)
    const positions = chosen.map((term) => all.indexOf(term))
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(positions.at(-1)).toBeGreaterThan(all.length * 0.99)
  })
})
