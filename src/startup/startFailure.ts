/** What an operator reads when Playhead does not start, and the code that a supervisor sees (sysexits.h). */
import { Predicate } from "effect"
import { redactText } from "../domain/redaction.ts"

export interface StartFailure {
  /** To be printed as it is. One line, but for the configuration, which has one for each fault. */
  readonly line: string
  readonly exitCode: number
}

/** EX_CONFIG, EX_CANTCREAT, EX_UNAVAILABLE, EX_OSFILE, EX_OSERR, EX_SOFTWARE. */
export const exitCodes = { configuration: 78, dataDirectory: 73, database: 69, ffmpeg: 72, network: 71, bug: 70 } as const

/** Errors of a start carry a `message` that says what to do; only the code is added here. */
const byTag: Readonly<Record<string, number>> = {
  ConfigFaults: exitCodes.configuration,
  DataDirectoryError: exitCodes.dataDirectory,
  DatabaseStartError: exitCodes.database,
  FFmpegStartError: exitCodes.ffmpeg
}

const textOf = (error: object, field: string): string | undefined =>
  Predicate.hasProperty(error, field) && typeof error[field] === "string" ? error[field] : undefined

/** What Node says when a server cannot listen. */
const listenFailure = (error: object): string | undefined => {
  const host = textOf(error, "address") ?? textOf(error, "hostname") ?? "HOST"
  const port = Predicate.hasProperty(error, "port") ? String(error.port) : "PORT"
  switch (textOf(error, "code") ?? "") {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is in use by another program: end it, or set PORT to another port.`
    case "EADDRNOTAVAIL":
      return `This machine has no address ${host}: set HOST to one that it has.`
    case "EACCES":
      return textOf(error, "syscall") === "listen" ? `This user may not listen on port ${port}: set PORT to 1024 or above.` : undefined
    case "ENOTFOUND":
      return textOf(error, "syscall") === "getaddrinfo" ? `The host name ${host} is not known here: set HOST to an address of this machine.` : undefined
    default:
      return undefined
  }
}

const longestChain = 8

/** The error and what caused it, outermost first. */
const chain = (error: unknown): ReadonlyArray<object> => {
  const found: Array<object> = []
  for (let at: unknown = error; Predicate.isObject(at) && found.length < longestChain; at = Predicate.hasProperty(at, "cause") ? at.cause : undefined) {
    found.push(at)
  }
  return found
}

/** Whatever ended the start: a typed start error, Node's refusal to listen, or a bug. */
export const startFailure = (error: unknown): StartFailure => {
  const errors = chain(error)
  for (const each of errors) {
    // The embedded database is a part of the data directory.
    const exitCode = textOf(each, "reason") === "DATA_DIRECTORY" ? exitCodes.dataDirectory : byTag[textOf(each, "_tag") ?? ""]
    if (exitCode === exitCodes.configuration) return { line: textOf(each, "message") ?? "", exitCode }
    if (exitCode !== undefined) return { line: redactText(textOf(each, "message") ?? "").replaceAll(/\s+/gu, " "), exitCode }
    const network = listenFailure(each)
    if (network !== undefined) return { line: network, exitCode: exitCodes.network }
  }
  const [first] = errors
  const what = first === undefined ? String(error) : `${textOf(first, "_tag") ?? textOf(first, "name") ?? "unknown"}: ${textOf(first, "message") ?? "no message"}`
  return { line: `Playhead could not start, for a reason that it did not foresee. ${redactText(what).replaceAll(/\s+/gu, " ")}`, exitCode: exitCodes.bug }
}
