import type { ServerResponse } from "node:http"

/** Answers with an RFC 9457 problem. `detail` says what to do about it. */
export const sendProblem = (
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {}
): void => {
  if (response.headersSent || response.destroyed) return
  const body = JSON.stringify({ type: "about:blank", title, status, detail })
  response.writeHead(status, {
    ...headers,
    "content-type": "application/problem+json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store"
  })
  response.end(body)
}
