/**
 * Who may call from a browser. A page of another site can make a browser send requests with the user's standing on the
 * network, so whatever names a foreign origin is refused unless it is listed; programs that are no browsers name none.
 */
import type { IncomingMessage } from "node:http"

export interface Origins {
  /** True when the request comes from no browser, from a page of this server, or from a listed origin. */
  readonly admits: (request: IncomingMessage) => boolean
  /** The listed origin that asks, for CORS. */
  readonly listed: (request: IncomingMessage) => string | undefined
}

export const makeOrigins = (allowed: ReadonlyArray<string>, publicUrl: string): Origins => {
  const known = new Set(allowed)
  const own = new URL(publicUrl).origin
  const listed = ({ headers }: IncomingMessage) => headers.origin !== undefined && known.has(headers.origin) ? headers.origin : undefined
  return {
    listed,
    admits: (request) => {
      const { origin, host } = request.headers
      if (origin === undefined) return request.headers["sec-fetch-site"] !== "cross-site" || request.method === "GET" || request.method === "HEAD"
      if (origin === own || listed(request) !== undefined) return true
      // Behind a proxy of another name the page's own host is the one that it asks for.
      return URL.canParse(origin) && new URL(origin).host === host
    }
  }
}
