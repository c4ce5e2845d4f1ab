/** Finds variables that are meant for Playhead and read by nobody: mistyped, or of another version. */
import { type ConfigProvider, Effect } from "effect"
import { settings } from "./settings.ts"

const prefix = "PLAYHEAD"

/** The names under a path that have a value. */
const namesUnder = (provider: ConfigProvider.ConfigProvider, path: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, ConfigProvider.SourceError> =>
  Effect.gen(function*() {
    const node = yield* provider.load(path)
    if (node === undefined) return []
    const own = node.value === undefined ? [] : [path.join("_")]
    if (node._tag !== "Record") return own
    const below = yield* Effect.forEach(node.keys, (key) => namesUnder(provider, [...path, key]))
    return [...own, ...below.flat()]
  })

/** The fewest insertions, deletions, replacements and swaps of neighbours from one word to the other (optimal string alignment). */
export const editDistance = (from: string, to: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= from.length; row++) {
    rows[row] = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(row - 1, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1] ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY
      rows[row]?.push(Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, replaced, swapped))
    }
  }
  return at(from.length, to.length)
}

const furthestMiss = 3

/** One warning for each unknown `PLAYHEAD_…` variable, with the setting it may have been meant for. */
export const unknownVariables = (providers: ReadonlyArray<ConfigProvider.ConfigProvider>): Effect.Effect<ReadonlyArray<string>, ConfigProvider.SourceError> =>
  Effect.gen(function*() {
    const known = Object.values(settings).map(({ name }) => name)
    const present = yield* Effect.forEach(providers, (provider) => namesUnder(provider, [prefix]))
    return [...new Set(present.flat())].filter((name) => !known.includes(name)).map((name) => {
      const near = known
        .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
        .toSorted((a, b) => a.distance - b.distance)
        .find(({ distance }) => distance <= furthestMiss)
      return `${name} is not a setting and has no effect${near === undefined ? "" : `; did you mean ${near.candidate}?`}`
    })
  })
