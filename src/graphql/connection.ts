/** Relay connections: `first`/`after` forwards, `last`/`before` backwards, 20 unless told, at most 100. */
import type { ObjectRef } from "@pothos/core"
import { Effect } from "effect"
import type { Database } from "../persistence/Database.ts"
import type { Page, PageRequest } from "../persistence/reads/page.ts"
import { read, refusal } from "./bridge.ts"
import { builder } from "./builder.ts"
import type { GraphQLContext } from "./GraphQLContext.ts"
import { isUuid } from "./ids.ts"

export const defaultSize = 20
export const maxSize = 100

export interface PageArguments {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** The arguments of every connection. */
export const pageArguments = builder.args((t) => ({
  first: t.int({ description: `How many from the start, 1 to ${maxSize}; ${defaultSize} unless told.` }),
  after: t.string({ description: "Only what follows this cursor." }),
  last: t.int({ description: `How many from the end, 1 to ${maxSize}.` }),
  before: t.string({ description: "Only what precedes this cursor." })
}))

const invalid = (message: string) => refusal("INVALID_INPUT", message)

const sizeOf = (name: string, size: number): number => {
  if (size < 1 || size > maxSize) throw invalid(`\`${name}\` must be from 1 to ${maxSize}.`)
  return size
}

const encodeCursor = (list: string, id: string): string => Buffer.from(`${list}/${id}`).toString("base64url")

const decodeCursor = (list: string, name: string, cursor: string | null | undefined): string | undefined => {
  if (cursor === null || cursor === undefined) return undefined
  const [of, id = ""] = Buffer.from(cursor, "base64url").toString("latin1").split("/")
  if (of !== list || !isUuid(id)) throw invalid(`\`${name}\` is no cursor of this list. Pass one that the same list returned.`)
  return id
}

/** What the arguments ask for; a top-level INVALID_INPUT error when they contradict themselves. */
const pageRequest = (list: string, { first, after, last, before }: PageArguments): PageRequest => {
  if (typeof first === "number" && typeof last === "number") throw invalid("Pass `first` or `last`, not both.")
  return {
    backward: typeof last === "number",
    size: typeof last === "number" ? sizeOf("last", last) : sizeOf("first", first ?? defaultSize),
    after: decodeCursor(list, "after", after),
    before: decodeCursor(list, "before", before)
  }
}

export interface Connection<Row> extends Page<Row> {
  readonly list: string
  readonly count: () => Promise<number>
}

const PageInfoRef = builder.objectRef<Connection<{ readonly id: string }>>("PageInfo").implement({
  description: "Where a page lies in its list.",
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether something follows." }),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage", { description: "Whether something precedes." }),
    startCursor: t.string({ nullable: true, description: "The cursor of the first edge.", resolve: ({ list, rows }) => rows[0] === undefined ? null : encodeCursor(list, rows[0].id) }),
    endCursor: t.string({ nullable: true, description: "The cursor of the last edge.", resolve: ({ list, rows }) => { const row = rows.at(-1); return row === undefined ? null : encodeCursor(list, row.id) } })
  })
})

interface Edge<Row> {
  readonly cursor: string
  readonly node: Row
}

/** The connection and edge types of a thing, such as `TrackConnection` and `TrackEdge`. */
export const connectionOf = <Row extends { readonly id: string }>(name: string, node: ObjectRef<PothosTypes, Row, Row>) => {
  const edge = builder.objectRef<Edge<Row>>(`${name}Edge`).implement({
    description: `One ${name.toLowerCase()} of a list.`,
    fields: (t) => ({
      cursor: t.exposeString("cursor", { description: "Where it stands, to go on from." }),
      node: t.field({ type: node, description: `The ${name.toLowerCase()}.`, resolve: (edge) => edge.node as never })
    })
  })
  return builder.objectRef<Connection<Row>>(`${name}Connection`).implement({
    description: `A page of a list of ${name.toLowerCase()}s.`,
    fields: (t) => ({
      edges: t.field({ type: [edge], description: "The page.", resolve: ({ list, rows }) => rows.map((row) => ({ cursor: encodeCursor(list, row.id), node: row })) }),
      pageInfo: t.field({ type: PageInfoRef, description: "Where the page lies.", resolve: (connection) => connection }),
      totalCount: t.int({ description: "How many there are in all; counted only when it is asked for.", resolve: ({ count }) => count() })
    })
  })
}

type PothosTypes = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never

/** Reads the page that the arguments ask for. `list` names the list that cursors belong to. */
export const readConnection = async <Row>(
  list: string,
  args: PageArguments,
  context: GraphQLContext,
  page: (request: PageRequest) => Effect.Effect<Page<Row>, never, Database>,
  count: () => Effect.Effect<number, never, Database>
): Promise<Connection<Row>> => {
  const found = await read(page(pageRequest(list, args)), context)
  return { ...found, list, count: () => read(count(), context) }
}
