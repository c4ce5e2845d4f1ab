/** Which tracks: the conditions of a statement, of what was asked for and nothing else, so that its plan fits. */
import type { TrackStatus } from "../../domain/Track.ts"

/** Everything that is not given matches. */
export interface TrackCriteria {
  readonly status?: ReadonlyArray<TrackStatus> | null | undefined
  readonly artist?: string | null | undefined
  readonly album?: string | null | undefined
  readonly genre?: string | null | undefined
  readonly tag?: string | null | undefined
  readonly yearFrom?: number | null | undefined
  readonly yearTo?: number | null | undefined
  readonly durationMsFrom?: number | null | undefined
  readonly durationMsTo?: number | null | undefined
  readonly hasStems?: boolean | null | undefined
}

/** Adds a parameter to a statement and returns its number, as in `$1`. */
export type Bind = (value: unknown) => string

/** The parameters of a statement that is put together piece by piece. */
export const makeParameters = () => {
  const values: Array<unknown> = []
  // No text in PostgreSQL has a NUL in it: what a client looks for with one is not there.
  const bind: Bind = (value) => `$${values.push(typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value)}`
  return { values, bind }
}

/**
 * One of the labels, folded; the index on the words finds the few tracks that are worth looking at. The condition on the
 * words is said twice: alone, for that index, and around the labels, which are folded slowly and lie in another table, so
 * that no plan folds those of tracks without the words.
 */
const labelled = (labels: string, text: string): string => {
  const hasWords = `(search_query(${text}, false) = '' or t.words @@ search_query(${text}, false))`
  const isLabel = `exists (select 1 from unnest(${labels}) as label where label = ${text} or search_fold(label) = search_fold(${text}))`
  return `${hasWords} and case when ${hasWords} then ${isLabel} end`
}

const stems = `exists (
  select 1 from artifact v join artifact i on i.track_id = v.track_id
  where v.track_id = t.id and v.role = 'VOCALS' and i.role = 'INSTRUMENTAL')`

type Name = keyof TrackCriteria

const conditionsByName: { readonly [Name in keyof Required<TrackCriteria>]: (parameter: () => string, value: unknown) => string } = {
  status: (p) => `t.status = any(${p()}::text[])`,
  artist: (p) => `t.sort_artist = left(search_fold(${p()}::text), 200)`,
  album: (p) => `t.sort_album = left(search_fold(${p()}::text), 200)`,
  genre: (p) => labelled("t.genres", `${p()}::text`),
  tag: (p) => labelled("t.tags", `${p()}::text`),
  yearFrom: (p) => `t.year >= ${p()}::int`,
  yearTo: (p) => `t.year <= ${p()}::int`,
  durationMsFrom: (p) => `t.duration_ms >= ${p()}::int`,
  durationMsTo: (p) => `t.duration_ms <= ${p()}::int`,
  hasStems: (_, value) => value === true ? stems : `not ${stems}`
}

const isGiven = (criteria: TrackCriteria, name: Name): boolean => criteria[name] !== null && criteria[name] !== undefined
const names = Object.keys(conditionsByName) as ReadonlyArray<Name>

/** Conditions on the tracks `t` of `trackSource`, all of which must hold; none when everything matches. */
export const trackConditions = (criteria: TrackCriteria, bind: Bind): ReadonlyArray<string> =>
  names.filter((name) => isGiven(criteria, name)).map((name) => conditionsByName[name](() => bind(criteria[name]), criteria[name]))

/**
 * The least that a statement has to read of tracks `t`: a table that stays untouched costs nothing. Of a search by score
 * that is their words alone, which is what makes it fast where a word is common.
 */
export const trackSource = (criteria: TrackCriteria, { searched, described }: { readonly searched: boolean; readonly described: boolean }): string => {
  if (!searched && !isGiven(criteria, "genre") && !isGiven(criteria, "tag")) return "track t"
  return described || names.some((name) => isGiven(criteria, name)) ? "(track join track_words using (id)) as t" : "track_words t"
}

/** What a statement's `where` says. */
export const allOf = (conditions: ReadonlyArray<string>): string => conditions.length === 0 ? "true" : conditions.join("\n and ")
