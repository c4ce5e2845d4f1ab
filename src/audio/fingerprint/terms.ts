/**
 * What a fingerprint is found by. Chromaprint gives one 32-bit value for each eighth of a second; equal recordings share
 * many of them exactly, even re-encoded, and others next to none. docs/fingerprints.md has the figures.
 */

/**
 * Enough for the worst cut that was measured to share some, few enough that chance brings up 1.5 % of a library and not
 * most of it.
 */
const maxQueryTerms = 480

/** Values that stand still, as in silence or a held tone, are in every quiet recording: they find and prove nothing. */
export const standsStill = (hashes: ArrayLike<number>, at: number): boolean =>
  hashes[at] === hashes[at - 1] || hashes[at] === hashes[at + 1]

/** Distinct terms of a fingerprint, in order of their first appearance: what the index holds. */
export const terms = (hashes: ArrayLike<number>): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (let at = 0; at < hashes.length; at++) {
    if (!standsStill(hashes, at)) found.add(hashes[at]!)
  }
  return [...found]
}

/** At most 480 terms, evenly spread over the recording: what the index is asked for. */
export const queryTerms = (hashes: ArrayLike<number>): ReadonlyArray<number> => {
  const all = terms(hashes)
  if (all.length <= maxQueryTerms) return all
  return Array.from({ length: maxQueryTerms }, (_, index) => all[Math.floor((index * all.length) / maxQueryTerms)]!)
}
