/** Clients of subscriptions that can be stopped and looked at, over WebSocket and over server-sent events. */
import http from "node:http"
import { Effect } from "effect"
import { expect } from "vitest"
import { type RawData, WebSocket } from "ws"
import { Database } from "../../src/persistence/Database.ts"
import type { TestServer } from "./testServer.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- whatever a subscription sends
export type Answer = any

export interface Watching {
  readonly answers: Array<Answer>
  /** `complete`, the errors that ended the subscription, or the code with which its connection was closed. */
  readonly ended: Promise<unknown>
  /** Takes nothing more from the connection. */
  readonly pause: () => void
  readonly resume: () => void
  /** Breaks the connection off. */
  readonly cut: () => void
}

/** Long, for a busy machine; most are done at once. */
export const eventually = <T>(probe: () => T, timeout = 15_000) => expect.poll(probe, { timeout, interval: 20 })

export interface Operation {
  readonly query: string
  readonly variables: object
}

/** Text comes in one piece. */
export const messageOf = (data: RawData): Answer => JSON.parse((data as Buffer).toString())

/** Several subscriptions on one socket. */
export const socketTo = async (url: string, connectionParams?: object) => {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "graphql-transport-ws")
  const listeners = new Map<string, (message: Answer) => void>()
  const controls: Array<Answer> = []
  const closed = new Promise<number>((resolve) => socket.once("close", (code) => resolve(code)))
  socket.on("error", () => {})
  await new Promise((resolve) => socket.once("open", resolve))
  socket.on("message", (data) => {
    const message = messageOf(data)
    if (message.id === undefined) controls.push(message)
    else listeners.get(message.id)?.(message)
  })
  socket.send(JSON.stringify({ type: "connection_init", payload: connectionParams }))
  await eventually(() => controls.length).toBe(1)
  return {
    socket,
    controls,
    closed,
    subscribe: ({ query, variables }: Operation): Watching => {
      const answers: Array<Answer> = []
      const id = crypto.randomUUID()
      const ended = new Promise<unknown>((resolve) => {
        listeners.set(id, ({ payload, type }) => {
          if (type === "next") answers.push(payload)
          else resolve(type === "complete" ? "complete" : payload)
        })
        void closed.then(resolve)
      })
      socket.send(JSON.stringify({ id, type: "subscribe", payload: { query, variables } }))
      return { answers, ended, pause: () => socket.pause(), resume: () => socket.resume(), cut: () => socket.terminate() }
    }
  }
}

export const overSocket = async (url: string, operation: Operation): Promise<Watching> => (await socketTo(url)).subscribe(operation)

/** `comments` are lines that keep the connection alive. */
export const overEvents = async (url: string, operation: Operation, more: Readonly<Record<string, string>> = {}): Promise<Watching & { readonly comments: () => number }> => {
  const answers: Array<Answer> = []
  let comments = 0
  const request = http.request(url, { method: "POST", headers: { "content-type": "application/json", accept: "text/event-stream", ...more } })
  request.end(JSON.stringify(operation))
  request.on("error", () => {})
  const response = await new Promise<http.IncomingMessage>((resolve) => request.once("response", resolve))
  response.on("error", () => {})
  let text = ""
  const ended = new Promise<unknown>((resolve) => {
    let completed = false
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      const frames = text.split("\n\n")
      text = frames.pop() ?? ""
      for (const frame of frames) {
        if (frame.startsWith(":")) comments += 1
        const data = /^data: ?(.+)$/m.exec(frame)?.[1]
        if (frame.includes("event: next") && data !== undefined) answers.push(JSON.parse(data))
        if (frame.includes("event: complete")) completed = true
      }
    })
    response.once("close", () => {
      const errors = answers.at(-1)?.errors
      resolve(completed ? errors ?? "complete" : "cut off")
    })
  })
  return { answers, ended, comments: () => comments, pause: () => response.pause(), resume: () => response.resume(), cut: () => request.destroy() }
}

export const transports = [["WebSocket", overSocket], ["server-sent events", overEvents]] as const

export const sequencesOf = ({ answers }: Pick<Watching, "answers">): Array<number> => answers.map((answer) => answer.data.jobEvents.sequence)

export interface NewEvent {
  readonly kind: string
  readonly data?: object
}

/** As stored, with a text of so many bytes in it. */
export const progressEvent = (progress: number, { attempt = 1, padding = 0 }: { readonly attempt?: number; readonly padding?: number } = {}): NewEvent => ({
  kind: "StageProgressedEvent",
  data: {
    stage: {
      name: "DOWNLOAD", status: "RUNNING", progress, attempt, provider: "x".repeat(padding), quality: null, degradedFrom: null,
      failure: null, startedAt: "2026-01-01T00:00:00.000Z", finishedAt: null
    },
    progress
  }
})
export const waitingEvent = (padding = 0): NewEvent => ({ kind: "JobWaitingEvent", data: { awaiting: "x".repeat(padding), until: null } })
export const succeeded: NewEvent = { kind: "JobSucceededEvent", data: { degraded: false } }

/** Adds events to a job's log in one transaction, as its worker does; and announces them, unless told not to. */
export const appendEvents = (server: TestServer, jobId: string, events: ReadonlyArray<NewEvent>, { announce = true }: { readonly announce?: boolean } = {}): Promise<void> =>
  server.runtime.runPromise(Effect.flatMap(Database, (database) =>
    database.transaction((tx) =>
      Effect.gen(function*() {
        const ended = events.some(({ kind }) => kind === "JobSucceededEvent")
        const [job] = yield* tx.query<{ last: number }>(
          `update job set last_sequence = last_sequence + $2, updated_at = now(), status = $3, finished_at = $4 where id = $1 returning last_sequence - $2 as last`,
          [jobId, events.length, ended ? "SUCCEEDED" : "RUNNING", ended ? new Date() : null]
        )
        yield* tx.query(
          `insert into job_event (job_id, sequence, kind, data, dedupe_key, at)
           select $1, $2 + e.n, e.kind, e.data::jsonb, ($2 + e.n)::text, now() from unnest($3::text[], $4::text[]) with ordinality as e(kind, data, n)`,
          [jobId, job?.last ?? 0, events.map(({ kind }) => kind), events.map(({ data }) => JSON.stringify(data ?? {}))]
        )
        if (announce) yield* tx.notify("playhead_job", jobId)
      })
    )))

export const watchDocument = `subscription ($id: ID!, $after: Int = 0) {
  jobEvents(jobId: $id, afterSequence: $after) {
    __typename sequence at
    ... on StageProgressedEvent { progress stage { name attempt provider } }
    ... on JobWaitingEvent { awaiting }
  }
}`
