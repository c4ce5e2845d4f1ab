/** Requests of the page over so many connections that stay open, in a process of its own: each sends the next when it has its answer. */
import { once } from "node:events"
import { Agent, type IncomingMessage, request } from "node:http"

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
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
  const until = performance.now() + lastsMs
  const timesMs: Array<number> = []
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const sent = performance.now()
      const [answer] = (await once(request(url, { agent, method: "POST", headers }).end(body), "response")) as [IncomingMessage]
      let bytes = 0
      answer.on("data", (chunk: Buffer) => { bytes += chunk.length })
      await once(answer, "end")
      if (answer.statusCode !== 200 || bytes < 10_000) throw new Error(`answered with ${answer.statusCode} and ${bytes} bytes`)
      const answered = performance.now()
      if (answered <= until) timesMs.push(answered - sent)
    }
  }
  await Promise.all(Array.from({ length: connections }, ask))
  agent.destroy()
  return { timesMs }
}

process.on("message", (order: LoadOrder) => void run(order).then((report) => process.send?.(report)))
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
