import { setTimeout as pause } from "node:timers/promises"
import type { Cluster } from "./cluster.ts"

/** A client that asks all the time, and what it was answered with an error. */
export const keepAsking = (cluster: Cluster) => {
  const errors: Array<string> = []
  let answers = 0
  const stopping = new AbortController()
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      await cluster.query("{ jobs(first: 5) { edges { node { id status } } } }").catch((error: unknown) => errors.push(`a query: ${String(error)}`))
      answers++
      await pause(10)
    }
  })()
  return {
    errors,
    /** Resolves with the number of answers. */
    stop: async () => {
      stopping.abort()
      await asking
      return answers
    }
  }
}
