import { createHash } from "node:crypto"
import { type FileHandle, open } from "node:fs/promises"
import { Effect } from "effect"
import { StorageError } from "../../domain/errors.ts"
import { storing } from "../../domain/storageFailure.ts"
import { type S3Client, textsOf } from "./s3Client.ts"

const notStored = "The file could not be stored"
/** Parts but the last have at least 5 MiB and there are at most 10,000, so this is enough for 160 GB; and it is what an upload holds in memory. */
export const partBytes = 16 * 1024 ** 2

const readPart = async (file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
  const part = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(part, filled, length - filled, position + filled)
    if (bytesRead === 0) throw new Error("the file became shorter while it was read")
    filled += bytesRead
  }
  return part
}

/** The store compares what has come with this, so that no object is other bytes than were sent. */
const digest = (bytes: Uint8Array) => ({ "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex") })

const putParts = Effect.fnUntraced(function* (client: S3Client, key: string, file: FileHandle, sizeBytes: number) {
  const begun = yield* client.sendForText(notStored, { method: "POST", key, query: { uploads: "" } })
  const [uploadId] = textsOf(begun, "UploadId")
  if (uploadId === undefined) return yield* new StorageError({ message: `${notStored}: the S3 storage named no upload.`, cause: new Error(begun) })
  const whole = Effect.gen(function* () {
    const etags: Array<string> = []
    for (let at = 0; at < sizeBytes; at += partBytes) {
      const body = yield* storing(notStored, () => readPart(file, at, Math.min(partBytes, sizeBytes - at)))
      const response = yield* client.send(notStored, { method: "PUT", key, query: { partNumber: String(etags.length + 1), uploadId }, headers: digest(body), body }, [200])
      yield* Effect.promise(() => response.arrayBuffer().catch(() => undefined))
      etags.push(response.headers.get("etag") ?? "")
    }
    const parts = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll("\"", "&quot;")}</ETag></Part>`)
    const completed = yield* client.sendForText(notStored, { method: "POST", key, query: { uploadId }, body: `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>` })
    // A failure after the first byte of the answer comes with status 200 (Amazon S3, CompleteMultipartUpload).
    const [code] = textsOf(completed, "Code")
    if (code !== undefined) return yield* new StorageError({ message: `${notStored}: the S3 storage answered ${code}.`, cause: new Error(completed) })
  })
  // Parts of an upload that came to nothing are paid for until it is given up.
  yield* Effect.onError(whole, () => Effect.ignore(client.send("The upload could not be given up", { method: "DELETE", key, query: { uploadId } }, [204, 404])))
})

/** Sends a file as one object: there as a whole or not at all. */
export const putFile = Effect.fn("s3.putFile")(function* (client: S3Client, key: string, path: string) {
  const file = yield* Effect.acquireRelease(storing(notStored, () => open(path, "r")), (handle) => Effect.promise(() => handle.close()))
  const { size } = yield* storing(notStored, () => file.stat())
  if (size > partBytes) return yield* putParts(client, key, file, size)
  const body = yield* storing(notStored, () => readPart(file, 0, size))
  const response = yield* client.send(notStored, { method: "PUT", key, headers: digest(body), body }, [200])
  yield* Effect.promise(() => response.arrayBuffer().catch(() => undefined))
}, Effect.scoped)
