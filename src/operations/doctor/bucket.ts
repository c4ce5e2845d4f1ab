import { createHash } from "node:crypto"
import { Effect } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { StorageError } from "../../domain/errors.ts"
import { makeS3Client } from "../../storage/s3/s3Client.ts"
import type { S3BlobStoreSettings } from "../../storage/s3/s3BlobStore.ts"
import type { Finding } from "./Finding.ts"

const name = "blobs"
const timeoutMs = 5_000

/** Stores an object in the bucket under a name that no blob has, reads it, and takes it away again. */
export const bucket = Effect.fnUntraced(function* (settings: Omit<S3BlobStoreSettings, "timeoutMs">) {
  const client = makeS3Client({ ...settings, timeoutMs })
  const key = `${settings.prefix}doctor-${uuidV7Unsafe()}`
  const body = `written by npm run doctor, which takes it away again: ${key}`
  const digest = { "x-amz-content-sha256": createHash("sha256").update(body).digest("hex") }
  const put = client.send("A file could not be stored", { method: "PUT", key, headers: digest, body }, [200])
  const remove = client.send("A file could not be removed", { method: "DELETE", key }, [200, 204])
  const read = Effect.filterOrFail(
    client.sendForText("A file could not be read", { method: "GET", key }),
    (text) => text === body,
    () => new StorageError({ message: "A file that was read is not what was stored: what answers at S3_ENDPOINT is no S3 storage." })
  )
  // Taken away also where it could not be read, and even where nothing is known to be there: an answer may have been lost.
  return yield* Effect.andThen(put, read).pipe(
    Effect.onError(() => Effect.ignore(remove)),
    Effect.andThen(remove),
    Effect.as<Finding>({ name, state: "fit", found: `bucket ${settings.bucket} at ${settings.endpoint}: written, read and removed` }),
    Effect.catchTag("StorageError", ({ message }) =>
      Effect.succeed<Finding>({
        name,
        state: "missing",
        found: `bucket ${settings.bucket} at ${settings.endpoint} is not usable`,
        advice: message.endsWith("did not answer.") ? `${message} Start it, or correct S3_ENDPOINT.` : message
      }))
  )
})
