import { Effect, Predicate } from "effect"
import {
  ConflictError,
  DuplicateTrackError,
  IdempotencyConflictError,
  InvalidInputError,
  NotConfiguredError,
  NotFoundError,
  RateLimitedError,
  SourceBlockedError,
  StorageError,
  TooLargeError,
  UnsupportedMediaError
} from "../../domain/errors.ts"
import { type Imported, Library } from "../../library/Library.ts"
import { mayStartJob } from "../access/mayStartJob.ts"
import { answer, failsWith, present, read, refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { JobPriorityEnum } from "../enums.ts"
import type { GraphQLContext } from "../GraphQLContext.ts"
import { isUuid } from "../ids.ts"
import { JobRef } from "../jobs/JobRef.ts"
import { checkImportInput, checkUploadInput } from "./importInput.ts"
import { TrackRef } from "./TrackRef.ts"

const TrackImportSuccess = builder.objectRef<Imported>("TrackImportSuccess").implement({
  description: "The track is in the library and its import is under way.",
  isTypeOf: (value) => Predicate.hasProperty(value, "replayed"),
  fields: (t) => ({
    track: t.field({ type: TrackRef, description: "The new track.", resolve: ({ trackId }, _, { loaders }) => present(loaders.track.load(trackId)) }),
    job: t.field({ type: JobRef, description: "Its import; watch it with `jobEvents`.", resolve: ({ jobId }, _, { loaders }) => present(loaders.job.load(jobId)) }),
    replayed: t.exposeBoolean("replayed", { description: "True when the same request was answered before under this idempotency key, and nothing was done now." })
  })
})

const details = {
  title: "1 to 200 characters; from the file's tags unless given.",
  artist: "1 to 200 characters; from the file's tags unless given.",
  album: "1 to 200 characters; from the file's tags unless given.",
  tags: "Labels of your own; at most 50 of 1 to 50 characters.",
  allowDuplicate: "Import it although the library has the same recording.",
  idempotencyKey: "1 to 200 characters of your choice: the same request under the same key is carried out once, however often it is sent."
}

const TrackSourceInput = builder.inputType("TrackSourceInput", {
  description: "Where the audio is: exactly one of these.",
  isOneOf: true,
  fields: (t) => ({
    url: t.field({ type: "URL", description: "An http or https address of at most 2,048 characters." }),
    file: t.string({ description: "A file in the server's import directory, absolute or relative to it; 1 to 1,000 characters." }),
    videoPage: t.field({ type: "URL", description: "A page with a video, whose audio is fetched by the yt-dlp that `YTDLP_PATH` names." }),
    upload: t.id({ description: "A finished resumable upload (tus 1.0 at `/uploads`): its id, the last part of its address. Each can be imported once." })
  })
})

const TrackImportInput = builder.inputType("TrackImportInput", {
  description: "An import from an address, a file of the server or a finished upload.",
  fields: (t) => ({
    source: t.field({ type: TrackSourceInput, required: true, description: "Where the audio is." }),
    title: t.string({ description: details.title }),
    artist: t.string({ description: details.artist }),
    album: t.string({ description: details.album }),
    tags: t.stringList({ description: details.tags }),
    allowDuplicate: t.boolean({ defaultValue: false, description: details.allowDuplicate }),
    idempotencyKey: t.string({ description: details.idempotencyKey }),
    priority: t.field({ type: JobPriorityEnum, defaultValue: "NORMAL", description: "Which jobs it goes before." })
  })
})

const TrackUploadInput = builder.inputType("TrackUploadInput", {
  description: "An import of a file that is part of the request.",
  fields: (t) => ({
    file: t.field({ type: "File", required: true, description: "The audio, as a part of a multipart request." }),
    title: t.string({ description: details.title }),
    artist: t.string({ description: details.artist }),
    album: t.string({ description: details.album }),
    tags: t.stringList({ description: details.tags }),
    allowDuplicate: t.boolean({ defaultValue: false, description: details.allowDuplicate }),
    idempotencyKey: t.string({ description: details.idempotencyKey })
  })
})

const importFailures = [
  InvalidInputError, UnsupportedMediaError, TooLargeError, SourceBlockedError, IdempotencyConflictError, RateLimitedError, NotConfiguredError, NotFoundError,
  ConflictError, StorageError
] as const
const uploadFailures = [
  InvalidInputError, UnsupportedMediaError, TooLargeError, DuplicateTrackError, IdempotencyConflictError, RateLimitedError, StorageError
] as const

const TrackImportResult = builder.errorUnion("TrackImportResult", {
  description: "What an import comes to.",
  types: [TrackImportSuccess, ...importFailures]
})

const importOne = Effect.fnUntraced(function* (input: typeof TrackImportInput.$inferInput, context: GraphQLContext) {
  const library = yield* Library
  const { input: checked } = yield* checkImportInput({ input })
  const { file, upload, url, videoPage } = checked.source
  if (typeof upload === "string" && !isUuid(upload)) return yield* new NotFoundError({ message: "There is no such upload.", id: upload })
  const source = typeof url === "string" ? { url } : typeof upload === "string" ? { upload } : typeof videoPage === "string" ? { videoPage } : { file: file ?? "" }
  yield* mayStartJob(context)
  return yield* library.importTrack({ ...checked, source, allowDuplicate: input.allowDuplicate ?? false, priority: input.priority ?? "NORMAL" })
})

const maxBatch = 100
/** Some wait for the database, some for the disk. */
const batchConcurrency = 4

/** The fault of an input where it stands in the batch. */
const inBatch = (index: number) => <E>(failure: E): E | InvalidInputError =>
  failure instanceof InvalidInputError
    ? new InvalidInputError({ message: failure.message, issues: failure.issues.map(({ message, path }) => ({ message, path: ["inputs", String(index), ...path.slice(1)] })) })
    : failure

builder.mutationFields((t) => ({
  trackImport: t.field({
    type: TrackImportResult,
    scope: "WRITE",
    description: "Imports audio from an address, a local file or a finished upload. Returns at once; what can only be known later is the job's to say.",
    args: { input: t.arg({ type: TrackImportInput, required: true, description: "What to import." }) },
    resolve: answer(importFailures, (_root, { input }: { readonly input: typeof TrackImportInput.$inferInput }, context) => importOne(input, context))
  }),
  trackImportBatch: t.field({
    type: [TrackImportResult],
    scope: "WRITE",
    description: `Imports up to ${maxBatch} at once. One result an item, in order: a bad item fails alone.`,
    args: { inputs: t.arg({ type: [TrackImportInput], required: true, description: "What to import." }) },
    resolve: (_root, { inputs }, context) => {
      if (inputs.length > maxBatch) throw refusal("INVALID_INPUT", `\`inputs\` may have at most ${maxBatch} items, not ${inputs.length}. Send the rest in another request.`)
      return read(
        Effect.forEach(inputs, (input, index) => importOne(input, context).pipe(Effect.mapError(inBatch(index)), Effect.catch((failure) => Effect.succeed(failure))), {
          concurrency: batchConcurrency
        }),
        context
      )
    }
  }),
  trackUpload: t.field({
    type: TrackImportSuccess,
    scope: "WRITE",
    description: "Imports a file that is part of the request (GraphQL multipart). Returns once the file was received.",
    errors: failsWith(uploadFailures, "TrackUploadResult", "What `trackUpload` comes to."),
    args: { input: t.arg({ type: TrackUploadInput, required: true, description: "What to import." }) },
    resolve: answer(uploadFailures, (_root, { input }: { readonly input: typeof TrackUploadInput.$inferInput }, context) =>
      Effect.gen(function* () {
        const library = yield* Library
        const { input: checked } = yield* checkUploadInput({ input })
        yield* mayStartJob(context)
        return yield* library.uploadTrack({ ...checked, file: input.file, allowDuplicate: input.allowDuplicate ?? false, priority: "NORMAL" })
      }))
  })
}))
