/** Requests of the page over so many connections that stay open, in a process of its own: each sends the next when it has its answer. */
import { Pool } from "undici"

/** To this process. */
export interface LoadOrder {
  readonly url: string
  readonly body: string
  readonly connections: number
  readonly lastsMs: number
}

/** From this process: how long each request took that was answered in time. */
export interface LoadReport {
  readonly timesMs: ReadonlyArray<number>
}

const run = async ({ body, connections, lastsMs, url }: LoadOrder): Promise<LoadReport> => {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections })
  const until = performance.now() + lastsMs
  const timesMs: Array<number> = []
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const sent = performance.now()
      const answer = await pool.request({ method: "POST", path: pathname, headers: { "content-type": "application/json" }, body })
      const { byteLength } = await answer.body.arrayBuffer()
      if (answer.statusCode !== 200 || byteLength < 10_000) throw new Error(`answered with ${answer.statusCode} and ${byteLength} bytes`)
      const answered = performance.now()
      if (answered <= until) timesMs.push(answered - sent)
    }
  }
  await Promise.all(Array.from({ length: connections }, ask))
  await pool.close()
  return { timesMs }
}

process.on("message", (order: LoadOrder) => void run(order).then((report) => process.send?.(report)))
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
