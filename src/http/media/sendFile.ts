import type { IncomingMessage, ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import { Effect } from "effect"
import { BlobStore } from "../../storage/BlobStore.ts"
import { parseRange } from "./range.ts"

export interface MediaFile {
  readonly sha256: string
  readonly sizeBytes: number
  readonly mediaType: string
  readonly disposition: string
}

/** What is sent never changes under its address, and is never more than it says: no page, no script. */
const headers = {
  "accept-ranges": "bytes",
  "cache-control": "private, max-age=31536000, immutable",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin"
}

const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag))

/** Answers GET and HEAD with a stored file: Range, If-Range, If-None-Match. Ends when the client goes away. */
export const sendFile = Effect.fn("http.sendFile")(function* (
  request: IncomingMessage,
  response: ServerResponse,
  file: MediaFile
) {
  const store = yield* BlobStore
  const etag = `"${file.sha256}"`
  const common = { ...headers, etag, "content-type": file.mediaType, "content-disposition": file.disposition }
  if (matches(request.headers["if-none-match"], etag)) {
    response.writeHead(304, common).end()
    return
  }
  const ifRange = request.headers["if-range"]?.toString()
  const rangeHeader = ifRange === undefined || ifRange.trim() === etag ? request.headers.range : undefined
  const range = parseRange(rangeHeader, file.sizeBytes)
  if (range._tag === "Unsatisfiable") {
    response.writeHead(416, { ...common, "content-range": `bytes */${file.sizeBytes}`, "content-length": 0 }).end()
    return
  }
  const part = range._tag === "Part" ? { start: range.start, end: range.end } : undefined
  const length = part === undefined ? file.sizeBytes : part.end - part.start + 1
  const partial = part === undefined ? {} : { "content-range": `bytes ${part.start}-${part.end}/${file.sizeBytes}` }
  const bytes = request.method === "HEAD" || length === 0 ? undefined : yield* store.open(file.sha256, part)
  response.writeHead(part === undefined ? 200 : 206, { ...common, ...partial, "content-length": length })
  if (bytes === undefined) {
    response.end()
    return
  }
  // A client that goes away in the middle is nobody's fault; the pipeline has closed the file by then.
  yield* Effect.promise(() => pipeline(bytes, response).catch(() => {}))
}, Effect.scoped)
