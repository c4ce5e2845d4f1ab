import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Effect } from "effect"
import { errorCode } from "../../domain/storageFailure.ts"
import { BlobStore } from "../../storage/BlobStore.ts"
import { notModified, rangeApplies, type Validators } from "./conditional.ts"
import { parseRange } from "./range.ts"

export interface MediaFile {
  readonly sha256: string
  readonly sizeBytes: number
  readonly mediaType: string
  /** The Content-Disposition header. */
  readonly disposition: string
  readonly createdAt: Date
}

/** What is sent never changes under its address, and is never more than it says: no page, no script. */
const fixedHeaders = {
  "accept-ranges": "bytes",
  "cache-control": "private, max-age=31536000, immutable",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin"
}

/** Sends exactly `length` bytes, or ends the connection: a client would wait for the rest, or take a part for the whole. */
const transfer = async (
  bytes: Readable,
  response: ServerResponse,
  length: number
): Promise<"sent" | "gone" | "broken"> => {
  let sent = 0
  bytes.on("data", (chunk: Buffer) => (sent += chunk.length))
  try {
    await pipeline(bytes, response, { end: false })
  } catch (error) {
    response.destroy()
    // A client that goes away in the middle is nobody's fault.
    return errorCode(error) === "ERR_STREAM_PREMATURE_CLOSE" ? "gone" : "broken"
  }
  if (sent === length) {
    response.end()
    return "sent"
  }
  response.destroy()
  return "broken"
}

/**
 * Answers GET and HEAD with a stored file: Range, If-Range, If-None-Match and If-Modified-Since by RFC 9110. Bytes are
 * read as fast as the client takes them, and no longer than it is there. A missing blob is a StorageError before anything
 * is sent; one that breaks off in the middle ends the connection, so that no client takes a part for the whole, and is a
 * defect.
 */
export const sendFile = Effect.fn("http.sendFile")(function* (
  request: IncomingMessage,
  response: ServerResponse,
  file: MediaFile
) {
  const store = yield* BlobStore
  const validators: Validators = { etag: `"${file.sha256}"`, lastModified: file.createdAt.toUTCString() }
  const common = { ...fixedHeaders, etag: validators.etag, "last-modified": validators.lastModified }
  const finish = (status: number, headers: OutgoingHttpHeaders) =>
    response.writeHead(status, { ...common, ...headers }).end()
  if (notModified(request.headers, validators)) {
    finish(304, {})
    return
  }
  // Ranges are defined for GET alone (14.2).
  const wanted =
    request.method === "GET" && rangeApplies(request.headers, validators) ? request.headers.range : undefined
  const range = parseRange(wanted, file.sizeBytes)
  if (range._tag === "Unsatisfiable") {
    finish(416, { "content-range": `bytes */${file.sizeBytes}`, "content-length": 0 })
    return
  }
  const part = range._tag === "Part" ? { start: range.start, end: range.end } : undefined
  const status = part === undefined ? 200 : 206
  const length = part === undefined ? file.sizeBytes : part.end - part.start + 1
  const headers: OutgoingHttpHeaders = {
    "content-type": file.mediaType,
    "content-disposition": file.disposition,
    "content-length": length,
    ...(part !== undefined && { "content-range": `bytes ${part.start}-${part.end}/${file.sizeBytes}` })
  }
  if (request.method === "HEAD" || length === 0) {
    finish(status, headers)
    return
  }
  const address = yield* store.address(file.sha256, file)
  if (address !== null) {
    // The address holds for some hours only, and whoever follows it sends its Range again.
    finish(302, { location: address, "cache-control": "no-store", "content-length": 0 })
    return
  }
  const bytes = yield* store.open(file.sha256, part)
  response.writeHead(status, { ...common, ...headers })
  const outcome = yield* Effect.promise(() => transfer(bytes, response, length))
  if (outcome === "broken") {
    const cause = bytes.errored ?? "it is shorter than it should be"
    return yield* Effect.die(new Error(`A stored file could not be sent whole: ${file.sha256}`, { cause }))
  }
}, Effect.scoped)
