import type pg from "pg"

/** pg's types leave out what its clients write to. */
interface Written {
  readonly connection: { readonly stream: { readonly cork: () => void; readonly uncork: () => void } }
}

/**
 * Lets the statements that are sent together, such as a transaction's last ones and its COMMIT, leave in one write: each
 * would be a call of the system, which costs more than what it carries.
 */
export const writeTogether = (pool: pg.Pool): void => {
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...args: ReadonlyArray<unknown>) => unknown
    let gathering = false
    const together = (...args: ReadonlyArray<unknown>): unknown => {
      if (!gathering) {
        gathering = true
        const { stream } = (client as unknown as Written).connection
        stream.cork()
        // Runs when every promise that could go on has done so.
        process.nextTick(() => {
          gathering = false
          stream.uncork()
        })
      }
      return query(...args)
    }
    client.query = together as typeof client.query
  })
}
