import type { IncomingMessage } from "node:http"
import { RequestFault } from "./RequestFault.ts"

export const isJson = (contentType: string | undefined): boolean => {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? ""
  return type === "application/json" || (type.startsWith("application/") && type.endsWith("+json"))
}

const tooLarge = (maxBytes: number) => new RequestFault(`The body is larger than ${maxBytes} bytes. Send files as multipart/form-data, or to /uploads.`, 413)

/**
 * The JSON that a request carries, of at most so many bytes. Yoga's own limit never answers a body without
 * `Content-Length` that exceeds it. Leaves the rest of what is too large unread: see `listening.ts`.
 */
export const receiveJson = async (request: IncomingMessage, maxBytes: number): Promise<unknown> => {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Array<Buffer> = []
  let size = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) break
      chunks.push(chunk)
    }
  } catch {
    throw new RequestFault("The body broke off.")
  }
  if (size > maxBytes) throw tooLarge(maxBytes)
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new RequestFault("The body is not JSON in UTF-8.")
  }
}
