/** Takes audio in: what the client asked for becomes a track and a job, or an answer that says why not. */
import { createHash } from "node:crypto"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { id3Length, sniff, sniffFile, unsupported } from "../audio/sniff.ts"
import {
  type ConflictError,
  type DuplicateTrackError,
  IdempotencyConflictError,
  type InvalidInputError,
  type NotConfiguredError,
  type NotFoundError,
  type RateLimitedError,
  type SourceBlockedError,
  StorageError,
  type TooLargeError,
  type UnsupportedMediaError
} from "../domain/errors.ts"
import type { JobPriority } from "../domain/Job.ts"
import type { TrackSourceKind } from "../domain/Track.ts"
import { Jobs } from "../jobs/Jobs.ts"
import { Database, type Transaction } from "../persistence/Database.ts"
import { LocalFiles } from "../providers/LocalFiles.ts"
import { OutboundHttp } from "../providers/outbound/OutboundHttp.ts"
import { receiveFile, tooLarge } from "../providers/receiveFile.ts"
import { VideoPages } from "../providers/VideoPages.ts"
import { Blobs } from "../storage/Blobs.ts"
import { BlobStore } from "../storage/BlobStore.ts"
import { Uploads } from "../storage/Uploads.ts"
import { WorkDirectories } from "../storage/WorkDirectories.ts"
import type { ImportOptions, ImportSource } from "./import/ImportOptions.ts"
import { findSameContent, sameContent } from "./import/store.ts"
import { provisionalTitle } from "./provisionalTitle.ts"

/** Validated by whoever calls: see graphql/library. */
export interface ImportDetails {
  readonly title?: string | null | undefined
  readonly artist?: string | null | undefined
  readonly album?: string | null | undefined
  readonly tags?: ReadonlyArray<string> | null | undefined
  readonly allowDuplicate: boolean
  readonly idempotencyKey?: string | null | undefined
  readonly priority: JobPriority
}

export interface ImportRequest extends ImportDetails {
  readonly source: { readonly url: string } | { readonly videoPage: string } | { readonly file: string } | {
    /** The id of a finished upload. */
    readonly upload: string
  }
}

export interface UploadRequest extends ImportDetails {
  readonly file: { readonly name: string; readonly stream: () => ReadableStream<Uint8Array> }
}

export interface Imported {
  readonly trackId: string
  readonly jobId: string
  /** Nothing was done: the same request was answered before under this idempotency key. */
  readonly replayed: boolean
}

export type ImportRefusal =
  | InvalidInputError
  | UnsupportedMediaError
  | TooLargeError
  | SourceBlockedError
  | IdempotencyConflictError
  | RateLimitedError
  | NotConfiguredError
  | NotFoundError
  | ConflictError
  | StorageError

export type UploadRefusal =
  | InvalidInputError
  | UnsupportedMediaError
  | TooLargeError
  | DuplicateTrackError
  | IdempotencyConflictError
  | RateLimitedError
  | StorageError

/** Some clients send the path on their own disk. */
const lastSegment = (path: string): string => path.split(/[/\\]/).at(-1) ?? ""

export class Library extends Context.Service<Library, {
  /** Submits the import of an address, a local file or a finished upload. What can be refused at once is; the rest is the job's to find out. */
  readonly importTrack: (request: ImportRequest) => Effect.Effect<Imported, ImportRefusal>
  /** Receives a file, whole, and submits its import. */
  readonly uploadTrack: (request: UploadRequest) => Effect.Effect<Imported, UploadRefusal>
}>()("playhead/library/Library") {
  static readonly layer = (settings: { readonly maxBytes: number }) =>
    Layer.effect(
      Library,
      Effect.gen(function* () {
        const database = yield* Database
        const jobs = yield* Jobs
        const outbound = yield* OutboundHttp
        const localFiles = yield* LocalFiles
        const videoPages = yield* VideoPages
        const blobs = yield* Blobs
        const store = yield* BlobStore
        const uploads = yield* Uploads
        const workDirectories = yield* WorkDirectories
        const random = yield* SecureRandom.SecureRandom

        const optionsOf = (source: ImportSource, details: ImportDetails): ImportOptions => ({
          source,
          title: details.title ?? null,
          artist: details.artist ?? null,
          album: details.album ?? null,
          tags: details.tags ?? [],
          allowDuplicate: details.allowDuplicate
        })

        const insertTrack = Effect.fnUntraced(function* (tx: Transaction, options: ImportOptions, kind: TrackSourceKind) {
          const id = yield* random.uuidV7()
          const now = new Date(yield* Clock.currentTimeMillis)
          const { source } = options
          yield* tx.query(
            `insert into track (id, status, source_kind, source_url, source_filename, title, artist, album, tags, created_at, updated_at)
             values ($1, 'PENDING', $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
            [
              id, kind,
              source._tag === "Url" || source._tag === "VideoPage" ? source.url : null,
              source._tag === "Stored" ? source.filename : source._tag === "File" ? source.path : null,
              options.title ?? provisionalTitle(source), options.artist, options.album, options.tags, now
            ]
          )
          return id
        })

        interface Submission {
          readonly options: ImportOptions
          readonly kind: TrackSourceKind
          readonly details: ImportDetails
          /** Chosen beforehand where files are held for the job already. */
          readonly jobId?: string
        }

        /** Track, job, first event and queue entry in one transaction; under a known idempotency key, the first answer again. */
        const submit = Effect.fnUntraced(function* <E>(submission: Submission, before: (tx: Transaction) => Effect.Effect<void, E>) {
          const { details, options, kind } = submission
          const key = details.idempotencyKey ?? undefined
          const inputHash = createHash("sha256").update(JSON.stringify([options, details.priority])).digest("hex")
          return yield* database.transaction((tx) =>
            Effect.gen(function* () {
              const earlier = key === undefined ? undefined : yield* jobs.submittedUnder(tx, key)
              if (earlier !== undefined) {
                if (earlier.inputHash === inputHash && earlier.trackId !== null) return { trackId: earlier.trackId, jobId: earlier.jobId, replayed: true }
                return yield* new IdempotencyConflictError({
                  message: "This idempotency key was used before with another input. Use a new key for a new request.",
                  jobId: earlier.jobId
                })
              }
              yield* before(tx)
              const trackId = yield* insertTrack(tx, options, kind)
              const jobId = yield* jobs.submit(tx, {
                id: submission.jobId,
                kind: "IMPORT",
                options,
                trackId,
                priority: details.priority,
                idempotency: key === undefined ? undefined : { key, inputHash }
              })
              return { trackId, jobId, replayed: false }
            })
          )
        })

        /** A look at a local file before it is queued: its size and, where no long tag is in front, its content. */
        const admitFile = Effect.fnUntraced(function* (path: string) {
          const { sizeBytes } = yield* localFiles.check(path)
          if (sizeBytes > settings.maxBytes) return yield* tooLarge(settings.maxBytes, sizeBytes)
          const head = yield* localFiles.head(path, 64 * 1024)
          if (id3Length(head) > 0) return
          const found = yield* Effect.promise(() => sniff(head))
          if (found._tag === "Other") return yield* unsupported(found.detected)
        })

        /** Of the upload's metadata; browsers and phones send one of these. */
        const filenameOf = ({ filename, name }: Readonly<Record<string, string | null>>) => lastSegment(filename ?? name ?? "")

        const importUpload = Effect.fnUntraced(function* (id: string, details: ImportDetails) {
          const { jobStatus, metadata, sha256, sizeBytes } = yield* uploads.finished(id)
          // One that was imported may be without its bytes by now; who sends the same request again gets the same answer.
          if (jobStatus === null) yield* Effect.scoped(Effect.flatMap(store.localFile(sha256), sniffFile))
          const options = optionsOf({ _tag: "Stored", filename: filenameOf(metadata), sha256, sizeBytes }, details)
          return yield* submit({ options, kind: "UPLOAD", details, jobId: id }, (tx) => uploads.claim(tx, id))
        })

        const importTrack = Effect.fn("Library.importTrack")(function* (request: ImportRequest) {
          if ("videoPage" in request.source) {
            const { videoPage: url } = request.source
            yield* videoPages.check
            yield* outbound.admit(url)
            return yield* submit({ options: optionsOf({ _tag: "VideoPage", url }, request), kind: "VIDEO_PAGE", details: request }, () => Effect.void)
          }
          if ("upload" in request.source) return yield* importUpload(request.source.upload, request)
          if ("url" in request.source) {
            const { url } = request.source
            yield* outbound.admit(url)
            return yield* submit({ options: optionsOf({ _tag: "Url", url }, request), kind: "URL", details: request }, () => Effect.void)
          }
          const { file } = request.source
          // A disk that fails to be read at this moment may do so when the job runs, which then tries again.
          yield* admitFile(file).pipe(Effect.catchTag("StorageError", () => Effect.void))
          return yield* submit({ options: optionsOf({ _tag: "File", path: file }, request), kind: "FILE", details: request }, () => Effect.void)
        })

        const uploadTrack = Effect.fn("Library.uploadTrack")(function* (request: UploadRequest) {
          const path = join(yield* workDirectories.make, "upload")
          const bytes = Stream.fromReadableStream({
            evaluate: () => request.file.stream(),
            onError: (cause) => new StorageError({ message: "The upload broke off. Send the file again.", cause })
          })
          const received = yield* receiveFile(bytes, path, { maxBytes: settings.maxBytes })
          yield* sniffFile(path)
          const filename = lastSegment(request.file.name)
          const jobId = yield* random.uuidV7()
          yield* blobs.hold(jobId, { path, ...received })
          const options = optionsOf({ _tag: "Stored", filename, ...received }, request)
          const refuseDuplicate = Effect.fnUntraced(function* (tx: Transaction) {
            const same = request.allowDuplicate ? undefined : yield* findSameContent(tx, received.sha256, null)
            if (same !== undefined) return yield* sameContent(same)
          })
          const imported = yield* submit({ options, kind: "UPLOAD", details: request, jobId }, refuseDuplicate).pipe(
            // Nobody will come for the file then.
            Effect.onError(() => blobs.abandon(jobId))
          )
          if (imported.replayed) yield* blobs.abandon(jobId)
          return imported
        }, Effect.scoped)

        return Library.of({ importTrack, uploadTrack })
      })
    )
}
