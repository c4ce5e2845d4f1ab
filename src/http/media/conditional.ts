/** Conditional requests by RFC 9110, section 13, for representations that never change. */
import type { IncomingHttpHeaders } from "node:http"

export interface Validators {
  /** Strong, with its quotation marks. */
  readonly etag: string
  /** As an HTTP date. */
  readonly lastModified: string
}

/** Whether the client has the representation already. If-None-Match outranks If-Modified-Since (13.2.2). */
export const notModified = (headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean => {
  const held = headers["if-none-match"]
  if (held !== undefined) {
    return held.trim() === "*" || held.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
  }
  // An unreadable date compares as false, and so is ignored as it must be (13.1.3).
  return Date.parse(lastModified) <= Date.parse(headers["if-modified-since"] ?? "")
}

/** Whether a Range header counts: without If-Range always, else only when it names exactly this representation (13.1.5). */
export const rangeApplies = (headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean => {
  const condition = headers["if-range"]?.toString().trim()
  return condition === undefined || condition === etag || condition === lastModified
}
