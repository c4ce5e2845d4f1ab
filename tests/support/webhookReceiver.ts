/** A receiver of webhooks on 127.0.0.1 that keeps every request as it came, and answers as a test says. */
import http, { type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"
import { Webhook } from "standardwebhooks"

export interface ReceivedMessage {
  readonly path: string
  readonly method: string
  readonly id: string
  readonly timestamp: string
  readonly headers: Readonly<Record<string, string>>
  /** The bytes of the body. */
  readonly body: string
}

export type Answering = (response: ServerResponse, message: ReceivedMessage) => void

export const answerStatus =
  (code: number, headers: http.OutgoingHttpHeaders = {}): Answering =>
  (response) => {
    response.writeHead(code, headers)
    response.end("thank you")
  }
export const neverAnswer: Answering = () => {}
export const breakOff: Answering = (response) => {
  response.socket?.resetAndDestroy()
}
export const speakNonsense: Answering = (response) => {
  response.socket?.end("SSH-2.0-OpenSSH_9.2\r\n")
}

export interface WebhookReceiver {
  readonly port: number
  readonly url: string
  readonly received: ReadonlyArray<ReceivedMessage>
  /** From now on; 200 before. */
  answering: Answering
}

/** What a receiver makes of a message by the reference library; throws when it is not to be trusted. */
export const verified = (secret: string, { body, headers }: ReceivedMessage): { readonly type: string; readonly timestamp: string; readonly data: Readonly<Record<string, unknown>> } =>
  new Webhook(secret).verify(body, { ...headers }) as never

export const webhookReceiver: Effect.Effect<WebhookReceiver, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const received: Array<ReceivedMessage> = []
      const receiver = { port: 0, url: "", received, answering: answerStatus(200) }
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("error", () => {})
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const headers = request.headers as Record<string, string>
          const message = {
            path: request.url ?? "",
            method: request.method ?? "",
            id: headers["webhook-id"] ?? "",
            timestamp: headers["webhook-timestamp"] ?? "",
            headers,
            body: Buffer.concat(chunks).toString()
          }
          received.push(message)
          receiver.answering(response, message)
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      receiver.port = (server.address() as AddressInfo).port
      receiver.url = `http://127.0.0.1:${receiver.port}/hooks`
      return { receiver, server }
    }),
    ({ server }) =>
      Effect.promise(() => new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }))
  ),
  ({ receiver }) => receiver
)
