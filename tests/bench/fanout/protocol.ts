/** What the processes of the fan-out benchmark tell each other, and what they have in common. */

/** The subscription that every client sends. */
export const document = `subscription Watch($jobId: ID!, $after: Int!) {
  jobEvents(jobId: $jobId, afterSequence: $after) {
    __typename sequence at
    ... on StageProgressedEvent { progress stage { name status progress attempt } }
  }
}`

export const jobUuid = "01900000-0000-7000-8000-000000000001"

/** To a client process. */
export type ClientOrder =
  | { readonly _tag: "connect"; readonly port: number; readonly clients: number; readonly jobId: string; readonly after: number; readonly timed: boolean }
  | { readonly _tag: "disconnect" }

/** From a client process. */
export type ClientReport =
  | { readonly _tag: "connected" }
  /** All its clients have had the n-th message, from n = 1. Where it is timed: when each had it, by the monotonic clock. */
  | { readonly _tag: "received"; readonly message: number; readonly timesMs: ReadonlyArray<number> | undefined }
  | { readonly _tag: "disconnected" }
  | { readonly _tag: "failed"; readonly why: string }

/** To a server process. */
export type ServerOrder =
  | { readonly _tag: "emit"; readonly first: number; readonly count: number }
  | { readonly _tag: "memory" }

/** From a server process. */
export type ServerReport =
  | { readonly _tag: "listening"; readonly port: number; readonly jobId: string }
  | { readonly _tag: "memory"; readonly rssBytes: number }

/** The same for all processes of a machine. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** The data of the n-th event, as it is stored. */
export const eventData = (n: number): object => ({
  stage: {
    name: "DOWNLOAD", status: "RUNNING", progress: (n % 1000) / 1000, attempt: 1, provider: null, quality: null, degradedFrom: null,
    failure: null, startedAt: "2026-01-01T00:00:00.000Z", finishedAt: null
  },
  progress: (n % 1000) / 1000
})

/** Takes orders from the parent process, and ends with it. */
export const serve = (answer: (order: ServerOrder) => void): void => {
  process.on("message", (order: ServerOrder) => {
    if (order._tag !== "memory") return answer(order)
    globalThis.gc?.()
    setTimeout(() => {
      globalThis.gc?.()
      report({ _tag: "memory", rssBytes: process.memoryUsage.rss() })
    }, 500)
  })
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
}

export const report = (message: ServerReport | ClientReport): void => {
  process.send?.(message)
}
