import type { Readable } from "node:stream"
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { StorageError } from "../domain/errors.ts"

/** Both inclusive, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Bytes by their SHA-256 (64 lower-case hexadecimal digits). Which of them are wanted is for `Blobs` to know. */
export class BlobStore extends Context.Service<BlobStore, {
  /** Moves a file into the store, whole or not at all, and durably. Bytes that are there already are left as they are. */
  readonly put: (path: string, sha256: string) => Effect.Effect<void, StorageError>
  /** Null when there is no such blob. */
  readonly stat: (sha256: string) => Effect.Effect<{ readonly sizeBytes: number } | null, StorageError>
  /** The bytes, or a part of them. Closed with the scope. */
  readonly open: (sha256: string, range?: ByteRange) => Effect.Effect<Readable, StorageError, Scope.Scope>
  /** A file with the bytes, to be read and not changed, there at least as long as the scope. */
  readonly localFile: (sha256: string) => Effect.Effect<string, StorageError, Scope.Scope>
  /** Where a client can fetch the bytes by itself for some hours, with these headers; null when only we can give them. */
  readonly address: (sha256: string, headers: { readonly mediaType: string; readonly disposition: string }) => Effect.Effect<string | null, StorageError>
  /** It is no fault when there is none. */
  readonly remove: (sha256: string) => Effect.Effect<void, StorageError>
  /** Every blob in the store. */
  readonly list: Stream.Stream<string, StorageError>
}>()("playhead/storage/BlobStore") {}
