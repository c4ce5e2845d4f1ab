/**
 * Compares Chromaprint fingerprints. The best alignment is found by letting equal values vote for their distance, as in
 * Shazam's search (Wang, ISMIR 2003); the bits that differ over the whole overlap then decide.
 */
import { standsStill } from "./terms.ts"

export interface Comparison {
  /** Share of equal bits over the overlap, 0 to 1; unrelated recordings have about a half. */
  readonly similarity: number
  /** Values that were compared, 8.07 a second. */
  readonly overlap: number
  /** By how many values the second recording starts later than the first. */
  readonly offset: number
}

/** Alignments whose bits are counted; more than one, because a chorus votes for wrong ones too. */
const candidates = 8
/** Equal bits of at least this much make the same recording. Re-encodings have more than 0.9, others less than 0.7. */
const sameSimilarity = 0.85
/** Shorter overlaps than about five seconds prove nothing. */
const minOverlap = 40
/** The overlap must be most of the shorter recording: two songs that quote the same sample are two songs. */
const minShareOfShorter = 0.8

const differingBits = (a: number, b: number): number => {
  let bits = (a ^ b) >>> 0
  bits -= (bits >>> 1) & 0x55555555
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}

const bestOffsets = (a: ArrayLike<number>, b: ArrayLike<number>): ReadonlyArray<number> => {
  const positions = new Map<number, Array<number>>()
  for (let at = 0; at < a.length; at++) {
    const known = positions.get(a[at]!)
    if (known === undefined) positions.set(a[at]!, [at])
    // A value that is everywhere tells nothing about where.
    else if (known.length < 16) known.push(at)
  }
  const votes = new Map<number, number>()
  for (let at = 0; at < b.length; at++) {
    for (const position of positions.get(b[at]!) ?? []) votes.set(position - at, (votes.get(position - at) ?? 0) + 1)
  }
  return [...votes].toSorted(([, x], [, y]) => y - x).slice(0, candidates).map(([offset]) => offset)
}

/** The best of the alignments in which one recording lies within the other, near enough; undefined when there is none. */
export const compare = (a: ArrayLike<number>, b: ArrayLike<number>): Comparison | undefined => {
  const leastOverlap = Math.max(minOverlap, minShareOfShorter * Math.min(a.length, b.length))
  let best: Comparison | undefined
  for (const offset of bestOffsets(a, b)) {
    const start = Math.max(0, offset)
    const end = Math.min(a.length, b.length + offset)
    const overlap = end - start
    if (overlap < leastOverlap) continue
    let different = 0
    let compared = 0
    for (let at = start; at < end; at++) {
      // Equal silence would make any two recordings alike that have enough of it.
      if (standsStill(a, at) && standsStill(b, at - offset)) continue
      different += differingBits(a[at]!, b[at - offset]!)
      compared++
    }
    if (compared < minOverlap) continue
    const similarity = 1 - different / (compared * 32)
    if (best === undefined || similarity > best.similarity) best = { similarity, overlap, offset }
  }
  return best
}

/** Whether two fingerprints are of one recording, whole or cut, however encoded; undefined when they are not. */
export const sameRecording = (a: ArrayLike<number>, b: ArrayLike<number>): Comparison | undefined => {
  const compared = compare(a, b)
  return compared !== undefined && compared.similarity >= sameSimilarity ? compared : undefined
}
