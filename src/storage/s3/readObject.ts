import { Readable } from "node:stream"
import { Effect } from "effect"
import type { StorageError } from "../../domain/errors.ts"
import type { ByteRange } from "../BlobStore.ts"
import type { S3Client } from "./s3Client.ts"

const notOpened = "The file could not be opened"
/** How often in a row a connection may break without a byte having come. */
const maxBreaks = 4

const get = (client: S3Client, key: string, range: ByteRange | undefined): Effect.Effect<Response, StorageError> =>
  client.send(notOpened, { method: "GET", key, ...(range && { headers: { range: `bytes=${range.start}-${range.end}` } }) }, range === undefined ? [200] : [206])

/**
 * The bytes of an object, or a part of them. A connection that breaks on the way is made again from where it broke, so
 * that what is read is whole although it may take hours.
 */
export const readObject = Effect.fnUntraced(function* (client: S3Client, key: string, range: ByteRange | undefined) {
  const first = yield* get(client, key, range)
  const start = range?.start ?? 0
  const announced = start + Number(first.headers.get("content-length") ?? 0)
  // Not every store that calls itself compatible keeps to what it is asked for.
  const end = range === undefined ? announced : Math.min(announced, range.end + 1)
  const pieces = async function* () {
    let response = first
    let at = start
    for (let breaks = 0; at < end;) {
      // oxlint-disable-next-line playhead/try-in-generator -- an async generator and no Effect: a stream of Node.js reads it
      try {
        for await (const chunk of response.body ?? []) {
          const wanted = chunk.subarray(0, end - at)
          at += wanted.length
          breaks = 0
          yield wanted
          if (at === end) return
        }
        throw new Error(`the answer ended ${end - at} bytes early`)
      } catch (error) {
        breaks += 1
        if (breaks > maxBreaks) throw error
        response = await Effect.runPromise(get(client, key, { start: at, end: end - 1 }))
      }
    }
  }
  if (end === start) yield* Effect.promise(() => first.arrayBuffer())
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 256 * 1024 })
})
