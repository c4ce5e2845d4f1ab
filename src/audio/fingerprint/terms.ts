/**
 * What a fingerprint is found by. Chromaprint gives one 32-bit value for each eighth of a second; equal recordings share
 * many of them exactly, even re-encoded, and others next to none. Values that stand still, as in silence or a held
 * tone, are in every quiet recording and find nothing.
 */

const maxQueryTerms = 240

/** Distinct terms of a fingerprint, in order of their first appearance: what the index holds. */
export const terms = (hashes: ArrayLike<number>): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (let at = 1; at < hashes.length; at++) {
    const hash = hashes[at]!
    if (hash !== hashes[at - 1] && hash !== 0) found.add(hash)
  }
  return [...found]
}

/** At most 240 terms, evenly spread over the recording: enough to find it by, few enough for a quick search. */
export const queryTerms = (hashes: ArrayLike<number>): ReadonlyArray<number> => {
  const all = terms(hashes)
  if (all.length <= maxQueryTerms) return all
  return Array.from({ length: maxQueryTerms }, (_, index) => all[Math.floor((index * all.length) / maxQueryTerms)]!)
}
