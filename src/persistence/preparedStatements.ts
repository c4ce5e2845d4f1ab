import { createHash } from "node:crypto"
import type pg from "pg"

/** A text that comes so often is worth preparing; one that is built anew each time never does. */
const preparedFrom = 3
/** Each takes memory, here and on each connection. */
const maxTexts = 1000
/** Longer ones have values in them. */
const maxTextLength = 10_000

/**
 * Lets a pool's connections prepare the statements that they repeat. Parsing and planning take longer than executing
 * those by which a job goes on, and what runs in a transaction has no way to name a statement.
 */
export const prepareRepeated = (pool: pg.Pool): void => {
  const texts = new Map<string, { times: number; readonly name: string }>()
  const nameOf = (text: string): string | undefined => {
    let known = texts.get(text)
    if (known === undefined) {
      if (texts.size >= maxTexts || text.length > maxTextLength) return undefined
      known = { times: 0, name: createHash("sha256").update(text).digest("base64url") }
      texts.set(text, known)
    }
    return ++known.times < preparedFrom ? undefined : known.name
  }

  pool.on("connect", (client) => {
    // pg's `query` has many forms; the one that MikroORM, pg-boss and the pool use is a text, its values and perhaps a callback.
    const query = client.query.bind(client) as (...args: ReadonlyArray<unknown>) => unknown
    const preparing = (...args: ReadonlyArray<unknown>): unknown => {
      const [text, values, ...callback] = args
      const name = typeof text === "string" && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined
      return name === undefined ? query(...args) : query({ name, text, values: values as ReadonlyArray<unknown> }, ...callback)
    }
    client.query = preparing as typeof client.query
  })
}
