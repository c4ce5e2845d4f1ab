import { s3BlobStore, type S3BlobStoreSettings } from "./s3/s3BlobStore.ts"
import { localBlobStore } from "./localBlobStore.ts"

/** Each request to a store in the network is given up after this long without an answer, and sent again a few times. */
const s3TimeoutMs = 30_000

/** Where files are kept: in a bucket, if one is named, else in a directory. */
export const blobStoreLayer = ({ directory, s3 }: { readonly directory: string; readonly s3: Omit<S3BlobStoreSettings, "timeoutMs"> | undefined }) =>
  s3 === undefined ? localBlobStore({ directory }) : s3BlobStore({ ...s3, timeoutMs: s3TimeoutMs })
