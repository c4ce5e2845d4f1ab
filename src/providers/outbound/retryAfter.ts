/** Nobody is believed who asks to be left alone for longer than this. */
const longestMs = 24 * 60 * 60 * 1000

/** Milliseconds from `nowMs` that a Retry-After header (seconds or an HTTP date, RFC 9110, 10.2.3) asks to wait. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined) return undefined
  const waitMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(longestMs, Math.max(0, waitMs))
}
