/** Which web pages may use this server from a browser. Other clients send no `Origin` and are not concerned. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import { isIP } from "node:net"

export interface OriginPolicy {
  /** Pages of other origins that may read answers and open sockets, such as `https://app.example.org`. */
  readonly corsOrigins: ReadonlyArray<string>
  /** The address under which clients know this server. */
  readonly publicUrl: string
}

/**
 * Whether the page was served by this server. A `Host` that equals the page's own is no proof where it is a name: the
 * owner of a name can have it point here (DNS rebinding). So it must be an address, localhost, or the configured name.
 */
const isOwnPage = (origin: string, host: string | undefined, publicUrl: string): boolean => {
  const page = URL.parse(origin)
  if (page === null) return false
  if (page.origin === new URL(publicUrl).origin) return true
  const name = page.hostname.replace(/^\[|\]$/g, "")
  return page.host === host && (isIP(name) !== 0 || name === "localhost")
}

/** Whether a request that comes from a page may be answered. */
export const isAllowedOrigin = ({ host, origin }: IncomingHttpHeaders, { corsOrigins, publicUrl }: OriginPolicy): boolean =>
  origin === undefined || corsOrigins.includes(origin) || isOwnPage(origin, host, publicUrl)

/** Browsers send these without asking first; a form can have any of them. */
const simpleContentTypes = new Set(["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])

/** Any of them says that the sender is no plain form: a browser asks (by a preflight) before it sends one across origins. */
export const csrfHeaders = ["graphql-require-preflight", "apollo-require-preflight", "x-graphql-yoga-csrf"] as const

/** Browsers name the origin of every POST, and say of every request where it comes from; an upload by curl has neither. */
const isFromBrowser = (headers: IncomingHttpHeaders): boolean => headers.origin !== undefined || headers["sec-fetch-site"] !== undefined

/** Whether a browser would have asked for permission before sending this request from another origin, or none sent it. */
export const isPreflighted = (headers: IncomingHttpHeaders): boolean => {
  const contentType = headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  if (contentType === "multipart/form-data" && !isFromBrowser(headers)) return true
  if (contentType !== undefined && contentType !== "" && !simpleContentTypes.has(contentType)) return true
  return csrfHeaders.some((name) => headers[name] !== undefined)
}

/** Headers that let a listed page read the answer. */
export const allowListedOrigin = ({ headers }: IncomingMessage, response: ServerResponse, { corsOrigins }: OriginPolicy): void => {
  if (corsOrigins.length === 0) return
  response.setHeader("vary", "Origin")
  if (headers.origin === undefined || !corsOrigins.includes(headers.origin)) return
  response.setHeader("access-control-allow-origin", headers.origin)
  response.setHeader("access-control-allow-credentials", "true")
  response.setHeader("access-control-expose-headers", "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After")
}

/** Answers a browser's question whether a listed page may send a request; false when it is no such question. */
export const answerPreflight = (request: IncomingMessage, response: ServerResponse): boolean => {
  if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return false
  response.writeHead(204, {
    "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE",
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "content-type",
    "access-control-max-age": "600"
  })
  response.end()
  return true
}
