/** Where an error tracker of Sentry's protocol takes reports (https://develop.sentry.dev/sdk/overview/#parsing-the-dsn). */
export interface SentryDsn {
  /** Of envelopes. */
  readonly url: string
  /** As `URL.hostname` has it, without brackets. */
  readonly host: string
  readonly port: number
  readonly publicKey: string
}

/** Reads `https://KEY@HOST[:PORT][/PATH]/PROJECT`; undefined for what is no such address. */
export const parseSentryDsn = (text: string): SentryDsn | undefined => {
  const url = URL.parse(text)
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username === "") return undefined
  const [, path = "", project = ""] = /^(.*)\/(\w+)\/?$/u.exec(url.pathname) ?? []
  if (project === "") return undefined
  return {
    url: `${url.origin}${path}/api/${project}/envelope/`,
    host: url.hostname.replace(/^\[(.*)\]$/u, "$1"),
    port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
    publicKey: decodeURIComponent(url.username)
  }
}
