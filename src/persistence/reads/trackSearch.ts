/** Tracks by words of their title, artist, album, genres and labels. How texts become words is the database's to say: migrations/0004. */
import { Effect } from "effect"
import { Database } from "../Database.ts"
import { editDistance } from "./editDistance.ts"
import type { Bind } from "./trackCriteria.ts"
import type { Spellings } from "./trackOrder.ts"

/** Longer texts are no searches; only the beginning counts. */
const maxLength = 500
const maxWords = 16
const maxSpellings = 8
/** Words that share the most characters in a row with one that was mistyped; among so many the nearest ones are looked for. */
const maxCandidates = 50

/** What to look for, or null when nothing was typed. */
export const searchText = (typed: string | null | undefined): string | null => {
  const text = (typed ?? "").slice(0, maxLength).toWellFormed().replaceAll("\0", " ").trim()
  return text === "" ? null : text
}

const quoted = (word: string): string => `'${word}'`

/** Any spelling of each word; the last word may be only the beginning of one, for it is perhaps still being typed. */
const spelt = (spellings: Spellings): string =>
  spellings.map((words, place) => {
    const [typed = "", ...others] = words.map(quoted)
    return `(${[place === spellings.length - 1 ? `${typed}:*` : typed, ...others].join(" | ")})`
  }).join(" & ")

/**
 * The condition that a track `t` has all words, and the score by which the better match comes first: PostgreSQL's
 * ts_rank with its weights (title 1, artist 0.4, album 0.2, genres and labels 0.1), less in long texts. Whole words
 * count twice, a word's beginning and other spellings once. The score binds what it needs only where it is asked for: the
 * database refuses a parameter that the statement does not have.
 */
export const matching = (search: string, spellings: Spellings | null, bind: Bind): { readonly condition: string; readonly score: () => string } => {
  const query = spellings === null ? `search_query(${bind(search)}::text, true)` : `${bind(spelt(spellings))}::tsquery`
  return {
    condition: `t.words @@ ${query}`,
    score: () => `(ts_rank(t.words, ${query}, 1) + ts_rank(t.words, search_query(${bind(search)}::text, false), 1))::float8`
  }
}

/** How many letters of a word may be wrong: short words turn into others too easily. */
const maxEdits = (length: number): number => length < 4 ? 0 : length < 8 ? 1 : 2

interface Candidates {
  readonly word: string
  readonly candidates: ReadonlyArray<string>
}

/** For each word of a search, itself and those words of the library that differ from it by a typo; null when there are none. */
export const otherSpellings = Effect.fnUntraced(function* (search: string) {
  const database = yield* Database
  const rows = yield* database.query<Candidates>(
    "search.candidates",
    `select typed.word, array(
       select g.word
       from search_gram g
       where g.gram = any(search_grams(typed.word))
         and g.length between char_length(typed.word) - edits.most and char_length(typed.word) + edits.most
         and g.word <> typed.word
       group by g.word order by count(*) desc, g.word limit ${maxCandidates}
     ) as candidates
     from unnest((search_words($1))[1:${maxWords}]) with ordinality as typed (word, place)
     cross join lateral (select case when char_length(typed.word) < 4 then -1 when char_length(typed.word) < 8 then 1 else 2 end as most) as edits
     order by typed.place`,
    [search]
  )
  const spellings = rows.map(({ candidates, word }) => {
    const most = maxEdits(Array.from(word).length)
    const near = candidates
      .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
      .filter(({ edits }) => edits <= most)
      .toSorted((one, other) => one.edits - other.edits)
    return [word, ...near.slice(0, maxSpellings - 1).map(({ candidate }) => candidate)]
  })
  return spellings.some((words) => words.length > 1) ? spellings : null
})
