/** What a setting is, and the forms that a value can take in the environment. */
import { Result, Schema, SchemaTransformation } from "effect"
import { JobKind } from "../domain/Job.ts"
import { parseSentryDsn } from "../domain/SentryDsn.ts"
import { Budget } from "../domain/Provider.ts"
import { type AllowedSource, parseAllowedSource } from "../providers/outbound/AddressPolicy.ts"

/** What the defaults depend on. */
export interface Machine {
  readonly cores: number
  /** Whether standard output is read by a person. */
  readonly isTerminal: boolean
}

export interface Setting<A> {
  /** The environment variable. */
  readonly name: string
  readonly codec: Schema.Codec<A, string>
  readonly fallback: (machine: Machine) => A
  /** The default in words; empty when there is none. */
  readonly default: string
  /** Completes "must be …". */
  readonly allowed: string
  readonly meaning: string
  /** How much of its value may be shown: `url` hides a password, `secret` everything. */
  readonly exposure: "plain" | "url" | "secret"
}

/** A setting without an own default is undefined when it is unset. */
export const optional = <A>(setting: Omit<Setting<A>, "fallback" | "codec" | "default"> & { readonly codec: Schema.Codec<A, string>; readonly default?: string }): Setting<A | undefined> => ({
  default: "",
  ...setting,
  fallback: () => undefined
})

export const wholeNumber = (name: string, fallback: number | ((machine: Machine) => number), range: readonly [minimum: number, maximum: number], more: { readonly unit: string; readonly meaning: string; readonly default?: string }): Setting<number> => {
  const [minimum, maximum] = range
  return {
    name,
    codec: Schema.String.check(Schema.isPattern(/^\d{1,12}$/u)).pipe(
      Schema.decodeTo(Schema.Int.check(Schema.isBetween({ minimum, maximum })), SchemaTransformation.numberFromString)
    ),
    fallback: typeof fallback === "number" ? () => fallback : fallback,
    default: more.default ?? String(fallback),
    allowed: `a whole number${more.unit === "" ? "" : ` of ${more.unit}`} from ${minimum} to ${maximum}`,
    meaning: more.meaning,
    exposure: "plain"
  }
}

/** Items between commas; spaces around them and empty ones do not count. */
export const list = <A>(item: Schema.Codec<A, string>): Schema.Codec<ReadonlyArray<A>, string> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(item),
      SchemaTransformation.transform({
        decode: (text: string): ReadonlyArray<string> => text.split(",").map((part) => part.trim()).filter((part) => part !== ""),
        encode: (parts: ReadonlyArray<string>) => parts.join(",")
      })
    )
  )

/** One of a few words, in any case. */
export const oneOf = <const L extends ReadonlyArray<string>>(words: L): Schema.Codec<L[number], string> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Literals(words),
      SchemaTransformation.transform({ decode: (text: string) => text.trim().toLowerCase(), encode: (word) => word })
    )
  )

const textWhere = (holds: (text: string) => boolean): Schema.Codec<string, string> =>
  Schema.String.check(Schema.makeFilter((text) => holds(text)))

export const path = textWhere((text) => !text.includes("\0"))

/** What can stand in a header as one word, of so many characters at least. */
export const headerSecret = (minimum: number): Schema.Codec<string, string> => textWhere((text) => text.length >= minimum && /^[\x21-\x7e]+$/u.test(text))

/** A URL of one of these protocols (with the colon), with a host. */
export const urlText = (protocols: ReadonlyArray<string>): Schema.Codec<string, string> =>
  textWhere((text) => {
    const url = URL.parse(text)
    return url !== null && protocols.includes(url.protocol) && url.host !== ""
  })

/** scheme://host[:port] and nothing else, as browsers send it. */
export const webOrigin = textWhere((text) => {
  const url = URL.parse(text)
  return url !== null && ["http:", "https:"].includes(url.protocol) && url.origin === text
})

const headerPair = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([\x21-\x7e]*)\s*$/u
const decodeHeaders = (text: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const pairs = text.split(",").filter((part) => part.trim() !== "").map((part) => headerPair.exec(part))
  try {
    return pairs.map((pair) => {
      if (pair === null) throw new URIError("not a header")
      return [decodeURIComponent(pair[1] ?? ""), decodeURIComponent(pair[2] ?? "")] as const
    })
  } catch {
    return undefined
  }
}

/** Names and values of headers as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value` between commas, percent-encoded. */
export const headerList: Schema.Codec<ReadonlyArray<readonly [string, string]>, string> = textWhere((text) => decodeHeaders(text) !== undefined).pipe(
  Schema.decodeTo(
    Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
    SchemaTransformation.transform({
      decode: (text: string) => decodeHeaders(text) ?? [],
      encode: (headers) => headers.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join(",")
    })
  )
)

/** As Sentry and what speaks its protocol hand it out. */
export const sentryDsn = textWhere((text) => parseSentryDsn(text) !== undefined)

export const hostName = textWhere((text) => /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*)$/iu.test(text))

/** A host that the operator vouches for, as outbound requests understand it. */
export const allowedSource: Schema.Codec<AllowedSource, string> = textWhere((text) => Result.isSuccess(parseAllowedSource(text))).pipe(
  Schema.decodeTo(
    Schema.Struct({ host: Schema.String, port: Schema.UndefinedOr(Schema.Int) }),
    SchemaTransformation.transform({
      decode: (text: string) => Result.getOrThrow(parseAllowedSource(text)),
      encode: ({ host, port }) => (port === undefined ? host : `${host}:${port}`)
    })
  )
)

/** A kind of job and a number, as KIND=2. */
const KindLimit = Schema.Struct({ kind: JobKind, limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 })) })
export type KindLimit = typeof KindLimit.Type

export const kindLimit: Schema.Codec<KindLimit, string> = Schema.String.check(Schema.isPattern(/^[A-Z]+=\d{1,3}$/u)).pipe(
  Schema.decodeTo(
    KindLimit,
    SchemaTransformation.transform({
      decode: (text: string) => ({ kind: text.slice(0, text.indexOf("=")) as JobKind, limit: Number(text.slice(text.indexOf("=") + 1)) }),
      encode: ({ kind, limit }) => `${kind}=${limit}`
    })
  )
)

/** A share in percent, with up to three decimals. */
export const percentage = (minimum: number, maximum: number): Schema.Codec<number, string> =>
  Schema.String.check(Schema.isPattern(/^\d{1,3}(\.\d{1,3})?$/u)).pipe(
    Schema.decodeTo(Schema.Finite.check(Schema.isBetween({ minimum, maximum })), SchemaTransformation.numberFromString)
  )

const budgetPattern = /^([a-z0-9-]+)\.([a-z_]+)=(\d{1,12})\/(\d{1,8})$/u

/** How much of a provider may be used in a window of so many seconds, as `itunes.requests=1000/3600`. */
export const providerBudget: Schema.Codec<Budget, string> = Schema.String.check(Schema.isPattern(budgetPattern)).pipe(
  Schema.decodeTo(
    Budget,
    SchemaTransformation.transform({
      decode: (text: string) => {
        const [, provider = "", metric = "", limit, windowSeconds] = budgetPattern.exec(text) ?? []
        return { provider: provider as Budget["provider"], metric: metric as Budget["metric"], limit: Number(limit), windowSeconds: Number(windowSeconds) }
      },
      encode: ({ limit, metric, provider, windowSeconds }) => `${provider}.${metric}=${limit}/${windowSeconds}`
    })
  )
)
