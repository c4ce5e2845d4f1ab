/** The outside world: takes effects, each under an idempotency key, and remembers them when everybody else is killed. */
import { once } from "node:events"
import http from "node:http"
import type { AddressInfo } from "node:net"

export interface Ledger {
  readonly url: string
  /** For each effect by its name, the keys that it was applied under. More than one key is a doubled effect. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>
  /** Requests that were sent again under a key that had had its effect. */
  readonly replays: () => number
  /** First requests that were refused, or cut off after they had had their effect. */
  readonly moods: () => number
  readonly close: () => Promise<void>
}

/** Of a hundred first requests so many are answered with 503, and as many are obeyed and not answered. */
const moodShare = 0.03

/** `mood` draws a number from 0 to 1 for each new effect. Probes are obeyed at once. */
export const startLedger = async (mood: () => number): Promise<Ledger> => {
  const keys = new Map<string, Set<string>>()
  const asked = new Set<string>()
  let replays = 0
  let moods = 0
  const server = http.createServer((request, response) => {
    const effect = decodeURIComponent(request.url?.slice(1) ?? "")
    const key = String(request.headers["idempotency-key"])
    const drawn = asked.has(effect) || effect.startsWith("probe") ? 1 : mood()
    asked.add(effect)
    if (drawn < moodShare) {
      moods++
      response.writeHead(503).end("not now")
      return
    }
    const known = keys.get(effect) ?? new Set()
    if (known.has(key)) replays++
    keys.set(effect, known.add(key))
    if (drawn < 2 * moodShare) {
      moods++
      request.socket.resetAndDestroy()
    } else {
      response.end("done")
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    replays: () => replays,
    moods: () => moods,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
}
