/** What goes wrong on the way to a source, in words that help the one who gave the address. */
import { SourceUnreachableError, TimedOutError } from "../../domain/errors.ts"

const sentences: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known. Check the spelling of the address.",
  EAI_AGAIN: "its name could not be looked up just now.",
  ECONNREFUSED: "it refused the connection.",
  EHOSTUNREACH: "there is no route to it.",
  ENETUNREACH: "there is no route to it.",
  ECONNRESET: "it broke off the connection.",
  EPIPE: "it broke off the connection.",
  ETIMEDOUT: "it did not answer.",
  HPE_HEADER_OVERFLOW: "its answer has more headers than are accepted (16 KB).",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed and not trusted here.",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate chain ends in one that is self-signed and not trusted here.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate cannot be verified; an intermediate certificate may be missing.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate was issued by an authority that is not trusted here.",
  CERT_HAS_EXPIRED: "its certificate has expired.",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name."
}

const sentenceFor = (code: string): string => {
  if (sentences[code] !== undefined) return sentences[code]
  if (code.startsWith("HPE_")) return "it sent something that is not HTTP."
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return "no secure connection could be made."
  return "the connection failed."
}

/** With several addresses tried, Node reports an AggregateError; its first fault stands for all. */
const codeOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0])
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""
}

export const unreachable = (url: URL, cause: unknown): SourceUnreachableError =>
  new SourceUnreachableError({
    message: `${url.host} could not be read: ${sentenceFor(codeOf(cause))}`,
    url: url.href,
    cause
  })

export const broken = (url: URL, message: string, httpStatus?: number): SourceUnreachableError =>
  new SourceUnreachableError({
    message: `${url.host} could not be read: ${message}`,
    url: url.href,
    ...(httpStatus !== undefined && { httpStatus })
  })

export const timedOut = (url: URL, timeoutMs: number, waitingFor: string): TimedOutError =>
  new TimedOutError({ message: `${url.host} did not ${waitingFor} within ${timeoutMs / 1000} s.`, timeoutMs })
