/**
 * Uploads by the GraphQL multipart request specification. The file is handed on while it arrives: Yoga's own parser would
 * collect all of it in memory first. https://github.com/jaydenseric/graphql-multipart-request-spec
 */
import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { Busboy, type BusboyConfig, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy"
import { Predicate } from "effect"
import type { GraphQLParams } from "graphql-yoga"
import type { UploadedFile } from "../graphql/UploadedFile.ts"
import { RequestFault } from "./RequestFault.ts"

export interface MultipartLimits {
  readonly maxFileBytes: number
  /** Of the operation and its variables. */
  readonly maxFieldBytes: number
}

export interface ReceivedOperation {
  readonly params: GraphQLParams
  /** Reads on to the end of the request, at most so long, and forgets it: many clients read no answer before. */
  readonly discardRest: (timeoutMs: number) => Promise<void>
}

const parseField = (name: string, text: string): Readonly<Record<string, unknown>> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new RequestFault(`\`${name}\` is not JSON.`)
  }
  if (!Predicate.isObject(parsed)) throw new RequestFault(`\`${name}\` must be a JSON object; several operations at once are not served.`)
  return parsed
}

/** Puts the file where the operation has null for it. */
const placeFile = (operation: Readonly<Record<string, unknown>>, path: unknown, file: UploadedFile): void => {
  const steps = typeof path === "string" ? path.split(".") : []
  const last = steps.at(-1)
  let place: unknown = operation
  for (const step of steps.slice(0, -1)) place = Predicate.isObject(place) && Object.hasOwn(place, step) ? place[step as never] : undefined
  if (steps[0] !== "variables" || last === undefined || !Predicate.isObject(place) || !Object.hasOwn(place, last) || place[last as never] !== null) {
    throw new RequestFault(`\`map\` must lead to a null in \`operations\`; ${JSON.stringify(path)} does not.`)
  }
  Object.assign(place, { [last]: file })
}

const uploadedFile = (stream: BusboyFileStream, name: string, type: string): UploadedFile => ({
  name,
  type,
  stream: () => Readable.toWeb(stream) as ReadableStream<Uint8Array>
})

const notMultipart = (error: unknown): RequestFault =>
  new RequestFault(`The request is no valid multipart request: ${error instanceof Error ? error.message : String(error)}`)

const makeParser = (request: IncomingMessage, limits: MultipartLimits): BusboyInstance => {
  try {
    return new Busboy({
      headers: request.headers as BusboyConfig["headers"],
      // One byte more than is allowed is enough to be found too large.
      limits: { fieldSize: limits.maxFieldBytes, fields: 2, files: 1, fileSize: limits.maxFileBytes + 1, headerPairs: 20 }
    })
  } catch (error) {
    throw notMultipart(error)
  }
}

/** Resolves when the operation and the beginning of its file are there; rejects with a `RequestFault`, or with a bug. */
export const receiveOperation = (request: IncomingMessage, limits: MultipartLimits): Promise<ReceivedOperation> =>
  new Promise((resolve, reject) => {
    const parser = makeParser(request, limits)
    let operation: Readonly<Record<string, unknown>> | undefined
    let map: Readonly<Record<string, unknown>> | undefined
    let file: BusboyFileStream | undefined

    const discardRest = (timeoutMs: number) =>
      new Promise<void>((done) => {
        request.unpipe(parser)
        if (request.readableEnded || request.destroyed) return done()
        const impatience = setTimeout(done, timeoutMs)
        request.once("close", () => clearTimeout(impatience)).once("close", done).once("end", done)
        request.resume()
      })
    const fail = (error: unknown) => {
      file?.destroy(new Error("The upload broke off."))
      request.unpipe(parser)
      reject(error instanceof Error ? error : new Error(String(error)))
    }
    /** What a part is refused for ends the request, and so does a bug. */
    const attempt = <Args extends ReadonlyArray<unknown>>(handle: (...args: Args) => void) => (...args: Args) => {
      try {
        handle(...args)
      } catch (error) {
        fail(error)
      }
    }

    parser.on("field", attempt((name, value, _nameTruncated, valueTruncated) => {
      if (valueTruncated) throw new RequestFault(`\`${name}\` is larger than ${limits.maxFieldBytes} bytes.`, 413)
      if (name === "operations") operation = parseField(name, value)
      if (name === "map") map = parseField(name, value)
    }))
    parser.on("file", attempt((name, stream, filename, _encoding, mediaType) => {
      file = stream
      // Who reads it hears of its error; where nobody does, it is no event.
      stream.on("error", () => {})
      const paths = map?.[name]
      if (operation === undefined || !Array.isArray(paths)) throw new RequestFault("The parts must be `operations`, `map` and the one file that `map` names, in this order.")
      const uploaded = uploadedFile(stream, filename ?? "", mediaType)
      for (const path of paths) placeFile(operation, path, uploaded)
      resolve({ params: operation, discardRest })
    }))
    parser.on("filesLimit", () => fail(new RequestFault("A request carries one file. Send a request for each.")))
    parser.on("finish", attempt(() => {
      if (file !== undefined) return
      if (operation === undefined || Object.keys(map ?? {}).length > 0) throw new RequestFault("The request lacks `operations`, or the file that `map` names.")
      resolve({ params: operation, discardRest })
    }))
    parser.on("error", (error) => fail(notMultipart(error)))
    request.once("close", () => {
      if (!request.complete) fail(notMultipart(new Error("the connection was closed before its end")))
    })
    request.pipe(parser)
  })
