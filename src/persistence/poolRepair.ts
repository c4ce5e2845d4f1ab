import type pg from "pg"

/**
 * Gives back the pool's place of a connection that died while it was in use. Kysely does so only after a successful
 * ROLLBACK, which a dead connection cannot answer: each loss inside a transaction would cost a place for ever.
 */
export const releaseDeadConnections = (pool: pg.Pool): void => {
  const inUse = new WeakSet<pg.PoolClient>()
  pool.on("acquire", (client) => inUse.add(client))
  pool.on("release", (_error, client) => inUse.delete(client))
  pool.on("connect", (client) => {
    client.once("end", () => {
      if (!inUse.has(client)) return
      client.release(true)
      // Whoever used it may still release it, which pg takes for a mistake.
      client.release = () => {}
    })
  })
}
