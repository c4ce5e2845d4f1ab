import type { ServerResponse } from "node:http"

/** An error outside GraphQL, by RFC 9457. */
export const sendProblem = (response: ServerResponse, status: number, title: string, headers: Readonly<Record<string, string>> = {}): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({ type: "about:blank", title, status })
  response.writeHead(status, { "content-type": "application/problem+json", "content-length": Buffer.byteLength(body), ...headers }).end(body)
}
