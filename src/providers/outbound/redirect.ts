import type { ExchangeRequest } from "./exchange.ts"

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** What is meant for one origin and must not reach another. */
const secretHeaders: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"])

/**
 * The request that a redirect asks for (RFC 9110, 15.4), or undefined when the answer is not a redirect. 307 and 308
 * repeat method and body; the others become a GET. `url` is unchecked, and may not even be one.
 */
export const redirected = (
  from: URL,
  status: number,
  location: string | undefined,
  request: ExchangeRequest
): { readonly url: URL | string; readonly request: ExchangeRequest } | undefined => {
  if (!redirectStatuses.has(status) || location === undefined) return undefined
  const url = URL.parse(location, from.href) ?? location
  const sameOrigin = url instanceof URL && url.origin === from.origin
  const kept = Object.entries(request.headers).filter(([name]) => sameOrigin || !secretHeaders.has(name.toLowerCase()))
  const repeats = status === 307 || status === 308 || request.method === "HEAD"
  const withoutBody = kept.filter(([name]) => !name.toLowerCase().startsWith("content-"))
  return {
    url,
    request: repeats
      ? { ...request, headers: Object.fromEntries(kept) }
      : { method: "GET", headers: Object.fromEntries(withoutBody), body: undefined }
  }
}
