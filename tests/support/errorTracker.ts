/** A server on 127.0.0.1 that takes reports by Sentry's protocol and checks that they keep to it, or misbehaves. */
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

export interface ReportedEvent {
  readonly event_id: string
  readonly timestamp: number
  readonly platform: string
  readonly level: string
  readonly release: string
  readonly environment: string
  readonly server_name: string
  readonly exception: { readonly values: ReadonlyArray<{ readonly type: string; readonly value: string; readonly stacktrace?: { readonly frames: ReadonlyArray<{ readonly filename: string; readonly function: string; readonly lineno: number; readonly in_app: boolean }> } }> }
  readonly tags: Readonly<Record<string, string>>
  readonly extra: Readonly<Record<string, unknown>>
  readonly contexts?: { readonly trace: { readonly trace_id: string; readonly span_id: string } }
}

export interface TestTracker {
  readonly dsn: string
  readonly port: number
  /** Those that were taken. */
  readonly events: ReadonlyArray<ReportedEvent>
  readonly requests: ReadonlyArray<{ readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }>
  /** Answers instead, or does not. */
  misbehave: RequestListener | undefined
}

const parse = (body: Buffer): ReportedEvent => {
  const first = body.indexOf("\n")
  const second = body.indexOf("\n", first + 1)
  const envelope = JSON.parse(body.subarray(0, first).toString()) as { event_id: string; sent_at: string }
  const item = JSON.parse(body.subarray(first + 1, second).toString()) as { type: string; length: number }
  const payload = body.subarray(second + 1, second + 1 + item.length)
  const event = JSON.parse(payload.toString()) as ReportedEvent
  if (!/^[0-9a-f]{32}$/u.test(event.event_id) || envelope.event_id !== event.event_id) throw new Error("the event's id is wrong")
  if (item.type !== "event" || Number.isNaN(Date.parse(envelope.sent_at))) throw new Error("no event in its envelope")
  if (body.subarray(second + 1 + item.length).toString() !== "\n") throw new Error("the length of the event is wrong")
  return event
}

export const testTracker: Effect.Effect<TestTracker, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const events: Array<ReportedEvent> = []
      const requests: Array<TestTracker["requests"][number]> = []
      const tracker = { dsn: "", port: 0, events, requests, misbehave: undefined as RequestListener | undefined }
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("error", () => {})
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const body = Buffer.concat(chunks)
          requests.push({ url: request.url ?? "", headers: request.headers, body: body.toString() })
          if (tracker.misbehave !== undefined) return tracker.misbehave(request, response)
          const trusted = /^Sentry sentry_version=7, sentry_client=[\w./-]+, sentry_key=public$/u.test(String(request.headers["x-sentry-auth"]))
          if (request.method !== "POST" || request.url !== "/prefix/api/42/envelope/" || !trusted) return response.writeHead(403).end()
          try {
            // Sentry, too, takes an envelope with nothing in it.
            if (body.toString() !== "{}\n") events.push(parse(body))
            response.writeHead(200).end("{}")
          } catch (error) {
            response.writeHead(400).end(String(error))
          }
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      tracker.port = (server.address() as AddressInfo).port
      tracker.dsn = `http://public@127.0.0.1:${tracker.port}/prefix/42`
      return { tracker, server }
    }),
    ({ server }) => Effect.promise(() => new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }))
  ),
  ({ tracker }) => tracker
)
