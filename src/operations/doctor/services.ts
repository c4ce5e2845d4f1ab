/** What Playhead calls over the network, where it is told to. The addresses are the operator's own, and often private ones. */
import { Effect, Predicate, Redacted } from "effect"
import { redactUrl } from "../../domain/redaction.ts"
import type { SentryDsn } from "../../domain/SentryDsn.ts"
import type { Finding } from "./Finding.ts"

const timeout = "5 seconds"

interface Service {
  readonly name: string
  readonly setting: string
  /** Where what it is shown comes from, if that is another setting. */
  readonly credentials?: string
  /** Without secrets. */
  readonly address: string
  /** What it does when all is well. */
  readonly does: string
  /** What is to be expected until it does. */
  readonly meanwhile: string
}

interface Question {
  readonly url: string
  readonly init?: RequestInit
  readonly isAnswer?: (body: string) => boolean
}

const ask = ({ address, credentials, does, meanwhile, name, setting }: Service, { init, isAnswer = () => true, url }: Question): Effect.Effect<Finding> => {
  const limited = (found: string, remedy: string): Finding => ({ name, state: "limited", found: `${address} ${found}`, advice: `${remedy}; until then ${meanwhile}.` })
  return Effect.tryPromise(async (signal) => {
    // oxlint-disable-next-line no-restricted-globals -- the address is the operator's own, from the configuration, and usually a private one
    const response = await fetch(url, { ...init, signal })
    return { status: response.status, body: await response.text() }
  }).pipe(
    Effect.timeout(timeout),
    Effect.map(({ body, status }): Finding => {
      if (status >= 400) return limited(`answers ${status}`, `Correct ${credentials !== undefined && (status === 401 || status === 403) ? credentials : setting}`)
      return isAnswer(body) ? { name, state: "fit", found: `${address} ${does}` } : limited("answers something else", `Correct ${setting}`)
    }),
    Effect.catch(() => Effect.succeed(limited("does not answer", `Start it, or correct ${setting}`)))
  )
}

const withoutSlash = (address: string): string => address.replace(/\/+$/u, "")

export const collector = ({ endpoint, headers }: { readonly endpoint: string; readonly headers: Redacted.Redacted<Readonly<Record<string, string>>> }) =>
  ask({
    name: "collector",
    setting: "OTEL_EXPORTER_OTLP_ENDPOINT",
    credentials: "OTEL_EXPORTER_OTLP_HEADERS",
    address: redactUrl(endpoint),
    does: "takes traces",
    meanwhile: "traces and metrics are dropped"
  }, {
    url: `${withoutSlash(endpoint)}/v1/traces`,
    init: { method: "POST", headers: { ...Redacted.value(headers), "content-type": "application/json" }, body: '{"resourceSpans":[]}' }
  })

/** Sends an envelope with nothing in it, which no issue comes of. */
export const errorTracker = (dsn: Redacted.Redacted<SentryDsn>) => {
  const { publicKey, url } = Redacted.value(dsn)
  return ask({
    name: "error tracker",
    setting: "SENTRY_DSN",
    address: new URL(url).origin,
    does: "takes reports",
    meanwhile: "reports are dropped"
  }, {
    url,
    init: { method: "POST", headers: { "content-type": "application/x-sentry-envelope", "x-sentry-auth": `Sentry sentry_version=7, sentry_client=playhead/doctor, sentry_key=${publicKey}` }, body: "{}\n" }
  })
}

const isCatalogueAnswer = (body: string): boolean => {
  try {
    return Predicate.hasProperty(JSON.parse(body), "results")
  } catch {
    return false
  }
}

export const catalogue = (baseUrl: string) =>
  ask({
    name: "catalogue",
    setting: "ITUNES_BASE_URL",
    address: redactUrl(baseUrl),
    does: "looks up songs",
    meanwhile: "imports go without it"
  }, { url: `${withoutSlash(baseUrl)}/search?term=playhead&media=music&entity=song&limit=1`, isAnswer: isCatalogueAnswer })
