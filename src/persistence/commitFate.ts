import { setTimeout as pause } from "node:timers/promises"
import type pg from "pg"
import { databaseFailure, NotCommitted } from "./failures.ts"

const lookEvery = 250
const lookForMs = 10_000

type Result = Pick<pg.QueryResult<{ readonly xid?: string; readonly status?: string }>, "rows">

/** PostgreSQL, "pg_xact_status"; undefined while the transaction is in progress, or when nobody answers in time. */
const fateOf = async (pool: pg.Pool, xid: string): Promise<"committed" | "aborted" | undefined> => {
  const giveUp = AbortSignal.timeout(lookForMs)
  while (!giveUp.aborted) {
    const { rows }: Result = await pool.query("select pg_xact_status($1::xid8) as status", [xid]).catch(() => ({ rows: [] }))
    const status = rows[0]?.status
    if (status === "committed" || status === "aborted") return status
    await pause(lookEvery)
  }
  return undefined
}

/**
 * Finds out, when a connection is lost while it commits, what became of the transaction: the server knows, and is asked
 * on another connection. COMMIT succeeds then, or rejects with `NotCommitted`; with the loss itself only when nobody
 * could say. The number to ask for comes with BEGIN, in its round trip, which is that of the statement behind it, too.
 */
export const learnCommitFates = (pool: pg.Pool): void => {
  pool.on("connect", (client) => {
    // pg's `query` has many forms; kysely begins and commits with a text and no values.
    const query = client.query.bind(client) as (...args: ReadonlyArray<unknown>) => unknown
    let xid: string | undefined
    let begun: Promise<void> = Promise.resolve()
    // Its answer is not waited for: what is wrong with the connection shows at the next statement, which is sent with it.
    const ask = async () => {
      xid = undefined
      const [, asked] = (await query("begin; select pg_current_xact_id()::text as xid")) as [Result, Result]
      xid = asked.rows[0]?.xid
    }
    const begin = () => {
      begun = ask()
      begun.catch(() => {})
      return Promise.resolve({ rows: [] })
    }
    const commit = async () => {
      // Without the number nobody could be asked: COMMIT is not sent before it is known.
      await begun.catch((error: unknown) => Promise.reject(new NotCommitted(error)))
      try {
        return await query("commit")
      } catch (error) {
        if (xid === undefined || !databaseFailure(error).connectionLost) throw error
        const fate = await fateOf(pool, xid)
        if (fate === "aborted") throw new NotCommitted(error)
        if (fate === undefined) throw error
        return { rows: [] }
      }
    }
    const asking = (...args: ReadonlyArray<unknown>): unknown => args[0] === "begin" ? begin() : args[0] === "commit" ? commit() : query(...args)
    client.query = asking as typeof client.query
  })
}
