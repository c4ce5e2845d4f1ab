/**
 * Reading no more of a row than an operation asks for: each value costs the driver, times most of all, and a list shows a
 * fourth of what there is.
 */

/** The names of all fields that an operation asks for, of whatever type; undefined where everything may be looked at. */
export type Wanted = ReadonlySet<string> | undefined

/** Each is a statement to prepare, on each connection. What goes beyond reads everything. */
const maxSets = 32

interface Needs {
  /** Read whatever is asked for. */
  readonly always: ReadonlyArray<string>
  /** Fields that need more than the property of their name. */
  readonly of: Readonly<Record<string, ReadonlyArray<string> | "all">>
}

export interface WantedColumns {
  readonly sql: string
  /** Tells statements with other columns apart. */
  readonly key: string
}

const propertyOf = (column: string): string => /(\w+)"?$/u.exec(column)?.[1] ?? column

/** Chooses among columns such as `t.id, t.source_url as "sourceUrl"`. */
export const wantedColumns = (columns: string, { always, of }: Needs): (wanted: Wanted) => WantedColumns => {
  const all = columns.split(",").map((column) => column.trim())
  const everything: WantedColumns = { sql: all.join(", "), key: "all" }
  const sets = new Map<string, WantedColumns>()
  const choose = (wanted: ReadonlySet<string>): WantedColumns => {
    const needed = new Set(always)
    for (const field of wanted) {
      const more = of[field] ?? [field]
      if (more === "all") return everything
      for (const property of more) needed.add(property)
    }
    const kept = all.filter((column) => needed.has(propertyOf(column)))
    const key = kept.map((column) => all.indexOf(column).toString(36)).join("")
    const before = sets.get(key)
    if (before !== undefined) return before
    if (sets.size >= maxSets) return everything
    const made = { sql: kept.join(", "), key }
    sets.set(key, made)
    return made
  }
  /** Documents are parsed once and kept, and with them what they want. */
  const chosen = new WeakMap<ReadonlySet<string>, WantedColumns>()
  return (wanted) => {
    if (wanted === undefined) return everything
    const columns = chosen.get(wanted) ?? choose(wanted)
    chosen.set(wanted, columns)
    return columns
  }
}
