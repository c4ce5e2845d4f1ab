/**
 * What a fingerprint is found by. Chromaprint gives one 32-bit value for each eighth of a second; equal recordings share
 * many of them exactly, even re-encoded, and others next to none. docs/fingerprints.md has the figures.
 */

/**
 * All terms of two minutes. Longer recordings are asked for by a part of their terms only, which is plenty for what they
 * share with a copy or a cut of them, and sometimes too little for a short excerpt that the library has had before.
 */
const maxQueryTerms = 960

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

/** At most 960 terms, evenly spread over the recording: what the index is asked for. */
export const queryTerms = (hashes: ArrayLike<number>): ReadonlyArray<number> => {
  const all = terms(hashes)
  if (all.length <= maxQueryTerms) return all
  return Array.from({ length: maxQueryTerms }, (_, index) => all[Math.floor((index * all.length) / maxQueryTerms)]!)
}
