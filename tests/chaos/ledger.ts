/** The outside world: takes effects, each under an idempotency key, and remembers them when everybody else is killed. */
import { once } from "node:events"
import http from "node:http"
import type { AddressInfo } from "node:net"

export interface Ledger {
  readonly url: string
  /** For each effect by its name, the keys that it was asked for under. More than one key is a doubled effect. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>
  /** Requests that were sent again under a key that had had its effect. */
  readonly replays: () => number
  readonly close: () => Promise<void>
}

export const startLedger = async (): Promise<Ledger> => {
  const keys = new Map<string, Set<string>>()
  let replays = 0
  const server = http.createServer((request, response) => {
    const effect = decodeURIComponent(request.url?.slice(1) ?? "")
    const key = String(request.headers["idempotency-key"])
    const known = keys.get(effect) ?? new Set()
    if (known.has(key)) replays++
    keys.set(effect, known.add(key))
    response.end("done")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    replays: () => replays,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
}
