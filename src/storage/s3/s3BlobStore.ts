/** Blobs in a bucket of an S3-compatible store, each an object under its SHA-256. */
import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Effect, Layer, Option, RcMap, Stream } from "effect"
import { StorageError } from "../../domain/errors.ts"
import { storing } from "../../domain/storageFailure.ts"
import { BlobStore } from "../BlobStore.ts"
import { WorkDirectories } from "../WorkDirectories.ts"
import { putFile } from "./multipart.ts"
import { readObject } from "./readObject.ts"
import { makeS3Client, type S3Settings, textsOf } from "./s3Client.ts"

export interface S3BlobStoreSettings extends S3Settings {
  /** In front of every key, such as `playhead/`. */
  readonly prefix: string
  /** Where clients reach the store, to be sent there for media; undefined to send them the bytes ourselves. */
  readonly publicEndpoint: string | undefined
}

const sha256Pattern = /^[0-9a-f]{64}$/u
/** How long a client may use an address that it was sent to: as long as a concert. */
const addressSeconds = 6 * 3600
/** The stages of a job read the same file one after the other: it is fetched for all of them. */
const localFileIdle = "1 minute"

export const s3BlobStore = (settings: S3BlobStoreSettings) =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      const client = makeS3Client(settings)
      const workDirectories = yield* WorkDirectories

      /** A digest comes from our own database; anything else here would be an object of somebody's choosing. */
      const keyOf = (sha256: string) =>
        sha256Pattern.test(sha256) ? Effect.succeed(`${settings.prefix}${sha256}`) : Effect.die(new Error(`not a SHA-256: ${sha256}`))

      const sizeOf = Effect.fn("BlobStore.stat")(function* (sha256: string) {
        const response = yield* client.send("The file could not be looked up", { method: "HEAD", key: yield* keyOf(sha256) }, [200, 404])
        return response.status === 404 ? null : { sizeBytes: Number(response.headers.get("content-length")) }
      })

      const fetchTo = Effect.fnUntraced(function* (sha256: string, path: string) {
        const hash = createHash("sha256")
        const readable = yield* readObject(client, yield* keyOf(sha256), undefined)
        yield* storing("The file could not be fetched", () =>
          pipeline(
            readable,
            async function* (chunks: AsyncIterable<Uint8Array>) {
              for await (const chunk of chunks) {
                hash.update(chunk)
                yield chunk
              }
            },
            createWriteStream(path)
          ))
        const found = hash.digest("hex")
        if (found !== sha256) return yield* new StorageError({ message: "The file could not be fetched: it is not what was stored.", cause: new Error(`${sha256} has become ${found}`) })
        return path
      })

      const localFiles = yield* RcMap.make({
        idleTimeToLive: localFileIdle,
        lookup: (sha256: string) =>
          Effect.flatMap(workDirectories.make, (directory) => fetchTo(sha256, join(directory, sha256)))
      })

      const page = (token: string | undefined) =>
        client.sendForText("The store could not be listed", {
          method: "GET",
          query: { "list-type": "2", ...(settings.prefix !== "" && { prefix: settings.prefix }), ...(token !== undefined && { "continuation-token": token }) }
        })

      return BlobStore.of({
        put: Effect.fn("BlobStore.put")(function* (path, sha256) {
          const key = yield* keyOf(sha256)
          const arriving = yield* storing("The file could not be stored", () => stat(path))
          // Equal names are equal bytes; another length is damage, which the new object repairs.
          if ((yield* sizeOf(sha256))?.sizeBytes !== arriving.size) yield* putFile(client, key, path)
          yield* storing("The file could not be removed", () => rm(path, { force: true }))
        }),
        stat: sizeOf,
        open: Effect.fn("BlobStore.open")(function* (sha256, range) {
          const key = yield* keyOf(sha256)
          return yield* Effect.acquireRelease(readObject(client, key, range), (readable) => Effect.sync(() => readable.destroy()))
        }),
        localFile: Effect.fn("BlobStore.localFile")((sha256) =>
          Effect.andThen(keyOf(sha256), RcMap.get(localFiles, sha256)).pipe(
            // Who asks next is to try again, and not to hear of it.
            Effect.tapError(() => RcMap.invalidate(localFiles, sha256))
          )),
        address: Effect.fn("BlobStore.address")(function* (sha256, { disposition, mediaType }) {
          const key = yield* keyOf(sha256)
          if (settings.publicEndpoint === undefined) return null
          return yield* client.presign(settings.publicEndpoint, key, addressSeconds, {
            "response-content-type": mediaType,
            "response-content-disposition": disposition,
            "response-cache-control": "private, max-age=31536000, immutable"
          })
        }),
        remove: Effect.fn("BlobStore.remove")(function* (sha256) {
          yield* client.send("The file could not be removed", { method: "DELETE", key: yield* keyOf(sha256) }, [200, 204, 404])
        }),
        list: Stream.paginate(undefined as string | undefined, (token) =>
          Effect.map(page(token), (xml) => {
            const names = textsOf(xml, "Key").map((key) => key.slice(settings.prefix.length)).filter((name) => sha256Pattern.test(name))
            const [next] = textsOf(xml, "NextContinuationToken")
            return [names, next === undefined ? Option.none() : Option.some(next)] as const
          }))
      })
    })
  )
