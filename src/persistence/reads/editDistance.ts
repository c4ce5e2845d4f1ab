/**
 * How many letters have to be typed otherwise to turn one word into another: put in, left out, replaced, or exchanged with
 * their neighbour (optimal string alignment; L. Boytsov, "Indexing methods for approximate dictionary searching", 2011).
 */
export const editDistance = (one: string, other: string): number => {
  const left = Array.from(one)
  const right = Array.from(other)
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: right.length + 1 }, (_, n) => n)
  for (const [i, letter] of left.entries()) {
    const row = [i + 1]
    for (const [j, against] of right.entries()) {
      const exchanged = i > 0 && j > 0 && letter === right[j - 1] && left[i - 1] === against ? (beforeLast[j - 1] ?? 0) + 1 : Infinity
      row.push(Math.min((last[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1, (last[j] ?? 0) + (letter === against ? 0 : 1), exchanged))
    }
    beforeLast = last
    last = row
  }
  return last.at(-1) ?? 0
}
