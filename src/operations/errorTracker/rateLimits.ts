import type { IncomingHttpHeaders } from "node:http"
import { retryAfterMs } from "../../providers/outbound/retryAfter.ts"

const defaultPauseMs = 60_000
const longestPauseMs = 24 * 3_600_000

/** `seconds:categories:…`, one after the other; no categories are all of them. */
const pauses = (header: string): ReadonlyArray<number> =>
  header.split(",").flatMap((limit) => {
    const [seconds = "", categories = ""] = limit.trim().split(":")
    const concerned = categories === "" || categories.split(";").includes("error")
    return concerned && /^\d+(\.\d+)?$/u.test(seconds) ? [Math.min(longestPauseMs, Number(seconds) * 1000)] : []
  })

/** For how many milliseconds an answer asks that no more events be sent (https://develop.sentry.dev/sdk/expected-features/rate-limiting/). */
export const pauseMs = (status: number, headers: IncomingHttpHeaders, nowMs: number): number => {
  const header = headers["x-sentry-rate-limits"]
  if (header !== undefined) return Math.max(0, ...pauses(String(header)))
  return status === 429 ? retryAfterMs(headers["retry-after"], nowMs) ?? defaultPauseMs : 0
}
