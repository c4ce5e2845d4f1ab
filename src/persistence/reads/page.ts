/** Pages of a list. A position is where a row stands in it, whatever rows come and go: what a cursor is made of. */
import { Effect } from "effect"
import { Database } from "../Database.ts"

export interface PageRequest<Position = string> {
  readonly size: number
  /** From the end of the list. */
  readonly backward: boolean
  /** Exclusive. */
  readonly after?: Position | undefined
  readonly before?: Position | undefined
}

export interface Page<Row> {
  readonly rows: ReadonlyArray<Row>
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

/** The page of rows that were read from its near end, one more than asked for where there are more. */
export const pageOf = <Row>(rows: ReadonlyArray<Row>, page: PageRequest<unknown>): Page<Row> => {
  const hasMore = rows.length > page.size
  const kept = rows.slice(0, page.size)
  return {
    rows: page.backward ? kept.toReversed() : kept,
    hasNextPage: page.backward ? page.before !== undefined : hasMore,
    hasPreviousPage: page.backward ? hasMore : page.after !== undefined
  }
}

export interface PageQuery {
  readonly name: string
  readonly columns: string
  readonly from: string
  readonly id: string
  /** Uses the parameters $1 to $n. */
  readonly conditions: string
  readonly parameters: ReadonlyArray<unknown>
}

/** Newest first. Ids are UUIDs of version 7, so their order is that of creation, and the position is an id. */
export const readPage = Effect.fnUntraced(function* <Row extends { readonly id: string }>(query: PageQuery, page: PageRequest) {
  const database = yield* Database
  const count = query.parameters.length
  const direction = page.backward ? "asc" : "desc"
  const rows = yield* database.query<Row>(
    `${query.name}.${direction}`,
    `select ${query.columns} from ${query.from}
     where ${query.conditions}
       and ($${count + 1}::uuid is null or ${query.id} < $${count + 1}) and ($${count + 2}::uuid is null or ${query.id} > $${count + 2})
     order by ${query.id} ${direction} limit $${count + 3}`,
    [...query.parameters, page.after ?? null, page.before ?? null, page.size + 1]
  )
  return pageOf(rows, page)
})
