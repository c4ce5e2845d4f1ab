/** The requests of the S3 API that a store of blobs needs, each tried again while it can help. */
import { AwsClient } from "aws4fetch"
import { Effect, Redacted, Schedule } from "effect"
import { StorageError } from "../../domain/errors.ts"

export interface S3Settings {
  /** Without a slash at its end; buckets are addressed by path below it, which every S3-compatible store knows. */
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  /** How long a request may take until it is answered, without the body. */
  readonly timeoutMs: number
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE"
  /** Undefined for the bucket itself. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer> | string
}

/** What an S3 answer says of itself beyond its status. */
interface Refusal {
  readonly status: number
  readonly code: string
}

const remedies: Readonly<Record<string, string>> = {
  AccessDenied: "access was denied. Look at the rights of the key in S3_ACCESS_KEY_ID.",
  InvalidAccessKeyId: "it does not know the key. Correct S3_ACCESS_KEY_ID.",
  SignatureDoesNotMatch: "the signature is wrong. Correct S3_SECRET_ACCESS_KEY and S3_REGION.",
  NoSuchBucket: "there is no such bucket. Make it, or correct S3_BUCKET.",
  RequestTimeTooSkewed: "the clocks differ too much. Set this machine's clock.",
  NoSuchKey: "the file is missing."
}

/** An answer to HEAD has no body that says more. */
const remedyOf = ({ code, status }: Refusal): string =>
  remedies[code] ?? (code !== "" ? `${code}.` : status === 403 ? "access was refused. Correct S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or give the key more rights." : "and nothing more.")

const noAnswer = 0
/** What an outage or an overload looks like. A broken signature will not mend itself. */
const mayPass = ({ status }: Refusal): boolean => status === noAnswer || status >= 500 || status === 408 || status === 429

const failure = (failed: string, refusal: Refusal, cause: unknown): StorageError =>
  new StorageError({
    message: `${failed}: ${refusal.status === noAnswer ? "the S3 storage did not answer." : `the S3 storage answered ${refusal.status}, ${remedyOf(refusal)}`}`,
    cause
  })

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: "\"", apos: "'" }

/** The text of each such element. S3's answers have neither attributes nor sections in these. */
export const textsOf = (xml: string, element: string): ReadonlyArray<string> =>
  Array.from(xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "gu")), ([, text = ""]) =>
    text.replaceAll(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/giu, (whole, decimal?: string, hexadecimal?: string, name?: string) =>
      name === undefined ? String.fromCodePoint(decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal)) : (entities[name] ?? whole)))

/** RFC 3986, as Signature Version 4 wants it. */
const strictly = (text: string): string => encodeURIComponent(text).replaceAll(/[!'()*]/gu, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

const tries = Schedule.exponential("200 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))

class Attempt extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal, cause: unknown) {
    super(refusal.code, { cause })
    this.refusal = refusal
  }
}

export const makeS3Client = (settings: S3Settings) => {
  const { accessKeyId, bucket, endpoint, region, timeoutMs } = settings
  // It would try again by itself, for longer than anybody waits and whatever the reason.
  const signer = new AwsClient({ accessKeyId, secretAccessKey: Redacted.value(settings.secretAccessKey), region, service: "s3", retries: 0 })

  const addressOf = ({ key, query }: Pick<S3Request, "key" | "query">, base = endpoint): string => {
    const url = new URL(`${base}/${bucket}${key === undefined ? "" : `/${key.split("/").map(encodeURIComponent).join("/")}`}`)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    return url.toString()
  }

  const attempt = async (request: S3Request, signal: AbortSignal, expected: ReadonlyArray<number>): Promise<Response> => {
    const answered = new AbortController()
    const impatience = setTimeout(() => answered.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const { body, headers, method } = request
    let response: Response
    try {
      const signed = await signer.sign(addressOf(request), { method, ...(headers && { headers }), ...(body !== undefined && { body }) })
      // oxlint-disable-next-line no-restricted-globals -- the operator names the store, and it is often in a private network
      response = await fetch(signed, { signal: AbortSignal.any([signal, answered.signal]) })
    } catch (cause) {
      throw new Attempt({ status: noAnswer, code: "" }, cause)
    } finally {
      clearTimeout(impatience)
    }
    if (expected.includes(response.status)) return response
    const text = await response.text().catch(() => "")
    throw new Attempt({ status: response.status, code: textsOf(text, "Code")[0] ?? "" }, new Error(text.slice(0, 1000)))
  }

  /**
   * One request, tried again while its failure may pass; `expected` are the statuses that are answers. The body is not
   * read: it must be read to its end or cancelled. `failed` says what could not be done.
   */
  const send = (failed: string, request: S3Request, expected: ReadonlyArray<number>): Effect.Effect<Response, StorageError> =>
    Effect.tryPromise({
      try: (signal) => attempt(request, signal, expected),
      catch: (error) => (error instanceof Attempt ? error : new Attempt({ status: noAnswer, code: "" }, error))
    }).pipe(
      Effect.retry({ schedule: tries, while: ({ refusal }) => mayPass(refusal) }),
      Effect.mapError(({ cause, refusal }) => failure(failed, refusal, cause))
    )

  /** As `send`; the body as text. A broken answer is asked for again. */
  const sendForText = (failed: string, request: S3Request): Effect.Effect<string, StorageError> =>
    Effect.flatMap(send(failed, request, [200]), (response) =>
      Effect.tryPromise({ try: () => response.text(), catch: (cause) => failure(failed, { status: noAnswer, code: "" }, cause) })).pipe(
      Effect.retry({ times: 2 })
    )

  /** An address at which anybody can read an object for a while, with these headers. */
  const presign = (base: string, key: string, seconds: number, query: Readonly<Record<string, string>>): Effect.Effect<string> =>
    Effect.promise(async () => {
      const { url } = await signer.sign(addressOf({ key, query: { ...query, "X-Amz-Expires": String(seconds) } }, base), { aws: { signQuery: true } })
      const signed = new URL(url)
      // As it was signed: a plus for a space, or a bare asterisk, is another address to some stores.
      signed.search = Array.from(signed.searchParams, ([name, value]) => `${strictly(name)}=${strictly(value)}`).join("&")
      return signed.toString()
    })

  return { send, sendForText, presign }
}

export type S3Client = ReturnType<typeof makeS3Client>
