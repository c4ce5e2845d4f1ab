/** Where the tus server keeps what it receives: our `Uploads`. */
import type { Readable } from "node:stream"
import { DataStore, ERRORS, Upload as TusUpload } from "@tus/server"
import { Effect } from "effect"
import type { ConflictError, NotFoundError, RateLimitedError, StorageError } from "../../domain/errors.ts"
import { isUuid } from "../../graphql/ids.ts"
import type { Upload, Uploads } from "../../storage/Uploads.ts"

/** What the tus server answers when a store throws it, under names of its own. */
export class TusAnswer extends Error {
  readonly status_code: number
  readonly body: string
  readonly retryAfterMs: number | undefined
  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message)
    this.status_code = status
    this.body = `${message}\n`
    this.retryAfterMs = retryAfterMs
  }
}

/** 507 says that there is no room, which a client may try again later; 404 and 409 are the protocol's own. */
const statusOf = { NotFoundError: ERRORS.FILE_NOT_FOUND.status_code, ConflictError: ERRORS.INVALID_OFFSET.status_code, StorageError: 507, RateLimitedError: 429 }

const answering = <A>(effect: Effect.Effect<A, NotFoundError | ConflictError | RateLimitedError | StorageError>): Effect.Effect<A, TusAnswer> =>
  Effect.mapError(effect, (failure) => new TusAnswer(statusOf[failure._tag], failure.message, failure._tag === "RateLimitedError" ? failure.retryAfterMs : undefined))

const notFound = () => new TusAnswer(ERRORS.FILE_NOT_FOUND.status_code, "There is no such upload.")

const toTus = (upload: Upload): TusUpload =>
  new TusUpload({
    id: upload.id,
    size: upload.sizeBytes,
    offset: upload.receivedBytes,
    metadata: { ...upload.metadata },
    creation_date: upload.createdAt.toISOString()
  })

export class TusStore extends DataStore {
  readonly #uploads: Uploads["Service"]
  readonly #run: <A>(effect: Effect.Effect<A, TusAnswer>) => Promise<A>

  /** Who asks for what is being answered now. */
  readonly #account: () => string

  constructor(uploads: Uploads["Service"], run: <A>(effect: Effect.Effect<A, TusAnswer>) => Promise<A>, account: () => string) {
    super()
    this.#uploads = uploads
    this.#run = run
    this.#account = account
    this.extensions = ["creation", "creation-with-upload", "termination", "expiration"]
  }

  override async create(file: TusUpload): Promise<TusUpload> {
    const upload = toTus(await this.#run(answering(this.#uploads.create({ id: file.id, sizeBytes: file.size ?? 0, metadata: file.metadata ?? {}, account: this.#account() }))))
    file.creation_date = upload.creation_date
    return upload
  }

  override write(stream: Readable, id: string, offset: number): Promise<number> {
    return this.#run(answering(this.#uploads.append(id, offset, stream)))
  }

  override async getUpload(id: string): Promise<TusUpload> {
    if (!isUuid(id)) throw notFound()
    return toTus(await this.#run(answering(this.#uploads.find(id))))
  }

  override async remove(id: string): Promise<void> {
    if (!isUuid(id)) throw notFound()
    await this.#run(answering(this.#uploads.remove(id)))
  }

  override getExpiration(): number {
    return this.#uploads.expiryMs
  }
}
