/** Relay connections: `first`/`after` forwards, `last`/`before` backwards, 20 unless told, at most 100. */
import { createHash } from "node:crypto"
import type { ObjectRef } from "@pothos/core"
import type { Page, PageRequest } from "../persistence/reads/page.ts"
import { refusal } from "./bridge.ts"
import { builder } from "./builder.ts"
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

/** A size that an argument asks for; a top-level INVALID_INPUT error when it is out of bounds. */
export const sizeOf = (name: string, size: number): number => {
  if (size < 1 || size > maxSize) throw invalid(`\`${name}\` must be from 1 to ${maxSize}.`)
  return size
}

/** A list as its cursors see it. */
export interface ListOf<Row, Position, Found = Page<Row>> {
  /** Names the list and all that was asked of it: a cursor fits no other. */
  readonly name: string
  readonly positionOf: (row: Row, found: Found) => string
  /** Undefined for what is no position in the list. */
  readonly parse: (position: string) => Position | undefined
}

/** A list in the order of its ids. */
export const listById = <Row extends { readonly id: string }>(name: string): ListOf<Row, string> => ({
  name,
  positionOf: ({ id }) => id,
  parse: (position) => isUuid(position) ? position : undefined
})

const digestLength = 16

/** Binds a position to its list. It keeps mistakes out, not people: whoever makes up a cursor sees nothing new by it. */
const digest = (list: string, position: string): string => createHash("sha256").update(`${list}\n${position}`).digest("base64url").slice(0, digestLength)

const encodeCursor = (list: string, position: string): string => Buffer.from(digest(list, position) + position).toString("base64url")

const decodeCursor = <Position>(list: Pick<ListOf<never, Position>, "name" | "parse">, name: string, cursor: string | null | undefined): Position | undefined => {
  if (cursor === null || cursor === undefined) return undefined
  const text = Buffer.from(cursor, "base64url").toString()
  const position = text.slice(digestLength)
  const parsed = text.startsWith(digest(list.name, position)) ? list.parse(position) : undefined
  if (parsed === undefined) throw invalid(`\`${name}\` is no cursor of this list. Pass one that the same list returned, for the same search, filter and order.`)
  return parsed
}

/** What the arguments ask for; a top-level INVALID_INPUT error when they contradict themselves. */
const pageRequest = <Position>(list: Pick<ListOf<never, Position>, "name" | "parse">, { first, after, last, before }: PageArguments): PageRequest<Position> => {
  if (typeof first === "number" && typeof last === "number") throw invalid("Pass `first` or `last`, not both.")
  return {
    backward: typeof last === "number",
    size: typeof last === "number" ? sizeOf("last", last) : sizeOf("first", first ?? defaultSize),
    after: decodeCursor(list, "after", after),
    before: decodeCursor(list, "before", before)
  }
}

export interface Connection<Row> extends Page<Row>, PageEnds {
  readonly cursorOf: (row: Row) => string
  readonly count: () => Promise<number>
}

/** Of whatever rows: their own connection knows what a cursor of theirs is. */
interface PageEnds {
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
  readonly cursorAt: (index: number) => string | null
}

const PageInfoRef = builder.objectRef<PageEnds>("PageInfo").implement({
  description: "Where a page lies in its list.",
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage", { description: "Whether something follows." }),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage", { description: "Whether something precedes." }),
    startCursor: t.string({ nullable: true, description: "The cursor of the first edge.", resolve: ({ cursorAt }) => cursorAt(0) }),
    endCursor: t.string({ nullable: true, description: "The cursor of the last edge.", resolve: ({ cursorAt }) => cursorAt(-1) })
  })
})

export interface Edge<Row> {
  readonly node: Row
  readonly cursorOf: (row: Row) => string
}

/** The connection and edge types of a thing, such as `TrackConnection` and `TrackEdge`. */
export const connectionOf = <Node, Row extends Node = Node>(name: string, node: ObjectRef<PothosTypes, Node, Node>) => {
  const edge = builder.objectRef<Edge<Row>>(`${name}Edge`).implement({
    description: `One ${name.toLowerCase()} of a list.`,
    fields: (t) => ({
      cursor: t.string({ description: "Where it stands, to go on from.", resolve: ({ cursorOf, node }) => cursorOf(node) }),
      node: t.field({ type: node, description: `The ${name.toLowerCase()}.`, resolve: (edge) => edge.node as never })
    })
  })
  const connection = builder.objectRef<Connection<Row>>(`${name}Connection`).implement({
    description: `A page of a list of ${name.toLowerCase()}s.`,
    fields: (t) => ({
      edges: t.field({ type: [edge], description: "The page.", resolve: ({ cursorOf, rows }) => rows.map((node) => ({ node, cursorOf })) }),
      pageInfo: t.field({
        type: PageInfoRef,
        description: "Where the page lies.",
        resolve: (page) => page
      }),
      totalCount: t.int({ description: "How many there are in all; counted only when it is asked for.", resolve: ({ count }) => count() })
    })
  })
  return { connection, edge }
}

type PothosTypes = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never

/** Reads the page that the arguments ask for. */
export const readConnection = async <Row, Position, Found extends Page<Row>>(
  list: ListOf<Row, Position, Found>,
  args: PageArguments,
  page: (request: PageRequest<Position>) => Promise<Found>,
  count: (found: Found) => Promise<number>
): Promise<Connection<Row>> => {
  const found = await page(pageRequest(list, args))
  const cursorOf = (row: Row) => encodeCursor(list.name, list.positionOf(row, found))
  const cursorAt = (index: number) => { const row = found.rows.at(index); return row === undefined ? null : cursorOf(row) }
  return { ...found, cursorOf, cursorAt, count: () => count(found) }
}
