/** Keeps secrets out of whatever is printed: log lines, start-up reports. */
import { Redacted } from "effect"

const hidden = "<redacted>"

/** A text in a log line is cut here: what is longer is somebody's data, not a message. */
const longestText = 8_192

const secretName = /pass(word|phrase)?$|secret|token|authorization|cookie|api[-_]?key|access[-_]?key|private[-_]?key|credential|signature/iu
const urlPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s/@:]*):[^\s/@]*@/giu
const queryValue = /([?&]([\w.-]+)=)[^&\s"'<>]+/gu
const webhookSecret = /\bwhsec_[\w+/=-]+/gu
const bearer = /\b(Bearer|Basic)\s+[\w+/=.~-]{8,}/gu

/** A text without the passwords of URLs, secret query parameters and authorization headers in it. */
export const redactText = (text: string): string => {
  const cut = text.length > longestText ? `${text.slice(0, longestText)}… (${text.length} characters)` : text
  return cut
    .replaceAll(urlPassword, "$1:***@")
    .replaceAll(queryValue, (all, before: string, name: string) => (secretName.test(name) || name === "sig" ? `${before}***` : all))
    .replaceAll(webhookSecret, "whsec_***")
    .replaceAll(bearer, "$1 ***")
}

/** A URL without its password, or nothing of it at all when it cannot be told where the password is. */
export const redactUrl = (text: string): string => {
  const url = URL.parse(text)
  if (url === null || url.host === "" || (text.includes("@") && url.username === "")) return hidden
  if (url.password === "") return redactText(text)
  url.password = "***"
  return redactText(url.href)
}

const maxEntries = 50
const maxDepth = 4

/** Any value as JSON that is safe to print. Lists and objects are cut, secrets hidden by their type or their name. */
export const redactValue = (value: unknown, depth = 0): unknown => {
  if (typeof value === "string") return redactText(value)
  if (value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value
  if (value === undefined) return undefined
  if (Redacted.isRedacted(value)) return hidden
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString()
  if (value instanceof URL) return redactUrl(value.href)
  if (value instanceof Error) return redactText(`${value.name}: ${value.message}`)
  if (typeof value === "number" || typeof value === "bigint") return String(value)
  if (typeof value !== "object") return `<${typeof value}>`
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (depth >= maxDepth) return Array.isArray(value) ? "[…]" : "{…}"
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => redactValue(entry, depth + 1))
  if (value instanceof Map || value instanceof Set) return redactValue([...value], depth)
  return redactRecord(value, depth)
}

/** The own fields of an object, as `redactValue` does. */
export const redactRecord = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .slice(0, maxEntries)
      .map(([name, value]) => [name, secretName.test(name) && value !== null && value !== undefined ? hidden : redactValue(value, depth + 1)])
  )
