/** The orders of a list of tracks, and where in one a track stands. */
import { Schema } from "effect"

export const TrackOrderField = Schema.Literals(["CREATED_AT", "UPDATED_AT", "TITLE", "ARTIST", "ALBUM", "YEAR", "DURATION", "RELEVANCE"])
export type TrackOrderField = typeof TrackOrderField.Type

export interface TrackOrder {
  readonly field: TrackOrderField
  readonly descending: boolean
}

/** What tracks are ordered by, and its type in SQL. Tracks without it come last, whichever the direction. */
interface OrderKey {
  readonly column: string
  readonly type: "text" | "int" | "timestamptz" | "float8"
  readonly nullable: boolean
}

export const orderKeys: { readonly [Field in Exclude<TrackOrderField, "RELEVANCE">]: OrderKey } = {
  CREATED_AT: { column: "t.created_at", type: "timestamptz", nullable: false },
  UPDATED_AT: { column: "t.updated_at", type: "timestamptz", nullable: false },
  TITLE: { column: "t.sort_title", type: "text", nullable: false },
  ARTIST: { column: "t.sort_artist", type: "text", nullable: true },
  ALBUM: { column: "t.sort_album", type: "text", nullable: true },
  YEAR: { column: "t.year", type: "int", nullable: true },
  DURATION: { column: "t.duration_ms", type: "int", nullable: true }
}

/** Where a track stands: its key, times in milliseconds, and its id, which decides among equals. */
export interface TrackPosition {
  readonly key: string | number | null
  readonly id: string
  /** The words of a search in their other spellings, for as long as its pages are read: see trackSearch.ts. */
  readonly spellings: Spellings | null
}

/** For each word of a search, what may stand in its place. */
export type Spellings = ReadonlyArray<ReadonlyArray<string>>

const relevance: OrderKey = { column: "", type: "float8", nullable: false }

/** What PostgreSQL takes: anybody can make up a cursor. */
const inRange: { readonly [Type in OrderKey["type"]]: (key: number) => boolean } = {
  text: () => false,
  int: (key) => Number.isInteger(key) && Math.abs(key) < 2 ** 31,
  timestamptz: (key) => Number.isInteger(key) && key >= 0 && key <= 8.64e15,
  float8: Number.isFinite
}

const Position = Schema.Tuple([
  Schema.NullOr(Schema.Union([Schema.Finite, Schema.String.check(Schema.isPattern(/^[^\0]{0,400}$/u))])),
  Schema.String.check(Schema.isUUID()),
  Schema.NullOr(Schema.Array(Schema.Array(Schema.String.check(Schema.isPattern(/^[^\s'\\\0]{1,50}$/u)))))
])
const fromJson = Schema.decodeUnknownOption(Schema.fromJsonString(Position))

export const positionText = ({ id, key, spellings }: TrackPosition): string => JSON.stringify([key, id, spellings])

/** Undefined for what is no position in this order. */
export const parsePosition = (field: TrackOrderField, text: string): TrackPosition | undefined => {
  const decoded = fromJson(text)
  if (decoded._tag === "None") return undefined
  const [key, id, spellings] = decoded.value
  const { nullable, type } = field === "RELEVANCE" ? relevance : orderKeys[field]
  const fits = key === null ? nullable : typeof key === "string" ? type === "text" : inRange[type](key)
  return fits ? { key, id, spellings } : undefined
}

/** The order by a search's score. */
export const relevanceKey = (score: string): OrderKey => ({ ...relevance, column: score })

export interface Segment {
  /** Conditions under which a track is in this part of the list, and between the ends of the page. */
  readonly conditions: ReadonlyArray<string>
  /** In which it is read, by key and id. */
  readonly direction: "asc" | "desc"
}

/**
 * The list's parts in the order in which the page is read, each of which one index serves: tracks that have the key, and
 * those that have not. A part that the page cannot reach is left out.
 */
export const segmentsOf = (
  key: OrderKey,
  descending: boolean,
  ends: { readonly backward: boolean; readonly after?: TrackPosition | undefined; readonly before?: TrackPosition | undefined },
  bind: (value: unknown) => string
): ReadonlyArray<Segment> => {
  const forward = descending ? "<" : ">"
  const back = descending ? ">" : "<"
  const direction = descending === ends.backward ? "asc" : "desc"
  const value = (position: TrackPosition) => {
    const given = bind(key.type === "timestamptz" && typeof position.key === "number" ? new Date(position.key) : position.key)
    return `${given}::${key.type}${key.type === "text" ? ` collate "C"` : ""}`
  }
  const beyond = (operator: string, position: TrackPosition) => `(${key.column}, t.id) ${operator} (${value(position)}, ${bind(position.id)}::uuid)`
  const { after, before } = ends

  const withKey: ReadonlyArray<Segment> = after?.key === null ? [] : [{
    conditions: [
      ...(key.nullable ? [`${key.column} is not null`] : []),
      ...(after === undefined ? [] : [beyond(forward, after)]),
      ...(before === undefined || before.key === null ? [] : [beyond(back, before)])
    ],
    direction
  }]
  const withoutKey: ReadonlyArray<Segment> = !key.nullable || (before !== undefined && before.key !== null) ? [] : [{
    conditions: [
      `${key.column} is null`,
      ...(after?.key === null ? [`t.id ${forward} ${bind(after.id)}::uuid`] : []),
      ...(before === undefined ? [] : [`t.id ${back} ${bind(before.id)}::uuid`])
    ],
    direction
  }]
  return ends.backward ? [...withoutKey, ...withKey] : [...withKey, ...withoutKey]
}
