import { Effect, Schema } from "effect"
import { ConflictError, InvalidInputError, NotFoundError } from "../../domain/errors.ts"
import { Tracks } from "../../library/Tracks.ts"
import type { TrackRecord } from "../../persistence/reads/tracks.ts"
import { answer, failsWith } from "../bridge.ts"
import { builder } from "../builder.ts"
import { checked, labels, optional, text, wholeNumber } from "../checkedInput.ts"
import { byId } from "../ids.ts"
import { TrackRef } from "./TrackRef.ts"

const TrackUpdateSuccess = builder.objectRef<{ readonly track: TrackRecord }>("TrackUpdateSuccess").implement({
  description: "The track is described as asked.",
  fields: (t) => ({
    track: t.field({ type: TrackRef, description: "As it is now.", resolve: ({ track }) => track })
  })
})

const TrackDeleteSuccess = builder.objectRef<{ readonly id: string }>("TrackDeleteSuccess").implement({
  description: "The track is gone, with its files.",
  fields: (t) => ({ id: t.exposeID("id", { description: "Of the track that was there." }) })
})

const TrackUpdateInput = builder.inputType("TrackUpdateInput", {
  description: "How a track is to be described. What is not given stays as it is; null takes it away, except the title.",
  fields: (t) => ({
    title: t.string({ description: "1 to 200 characters." }),
    artist: t.string({ description: "1 to 200 characters." }),
    album: t.string({ description: "1 to 200 characters." }),
    albumArtist: t.string({ description: "1 to 200 characters." }),
    genres: t.stringList({ description: "At most 20 of 1 to 50 characters." }),
    year: t.int({ description: "1 to 9999." }),
    trackNumber: t.int({ description: "1 to 9999." }),
    tags: t.stringList({ description: "Labels of your own; at most 50 of 1 to 50 characters." }),
    language: t.string({ description: "Of its words, as a language tag such as `en` or `pt-BR`." }),
    version: t.int({ description: "The version that you have read: if the track has changed since, nothing is done and the answer is a ConflictError." })
  })
})

const languageTag = Schema.Trim.check(
  Schema.makeFilter((value: string) => /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$/.test(value) || "A language must be a tag such as en or pt-BR")
)

const checkUpdate = checked(Schema.Struct({
  input: Schema.Struct({
    title: Schema.optional(Schema.NullOr(text("A title", 200)).check(Schema.makeFilter((title) => title !== null || "A track cannot be without a title"))),
    artist: optional(text("An artist", 200)),
    album: optional(text("An album", 200)),
    albumArtist: optional(text("An album artist", 200)),
    genres: optional(labels("A genre", 50, 20)),
    year: optional(wholeNumber("A year", 1, 9999)),
    trackNumber: optional(wholeNumber("A track number", 1, 9999)),
    tags: optional(labels("A tag", 50, 50)),
    language: optional(languageTag),
    version: optional(Schema.Int)
  })
}))

const updateFailures = [InvalidInputError, NotFoundError, ConflictError] as const
const deleteFailures = [NotFoundError, ConflictError] as const

/** Each label once; a list that is taken away is empty. */
const listOf = (values: ReadonlyArray<string> | null | undefined) => values === undefined ? undefined : [...new Set(values ?? [])]

builder.mutationFields((t) => ({
  trackUpdate: t.field({
    type: TrackUpdateSuccess,
    scope: "WRITE",
    description: "Changes how a track is described. An import that is still under way leaves what was changed alone.",
    errors: failsWith(updateFailures, "TrackUpdateResult", "What `trackUpdate` comes to."),
    args: {
      id: t.arg.id({ required: true, description: "Of the track." }),
      input: t.arg({ type: TrackUpdateInput, required: true, description: "How to describe it." })
    },
    resolve: answer(updateFailures, (_root, { id, input }: { readonly id: string; readonly input: typeof TrackUpdateInput.$inferInput }, { loaders }) =>
      byId("Track", id, (trackId) =>
        Effect.gen(function* () {
          const { input: { genres, tags, title, version, ...rest } } = yield* checkUpdate({ input })
          const tracks = yield* Tracks
          yield* tracks.update(trackId, { ...rest, title: title ?? undefined, genres: listOf(genres), tags: listOf(tags) }, version ?? null)
          const track = yield* Effect.promise(() => loaders.track.load(trackId))
          return track === null ? yield* new NotFoundError({ message: "The track was deleted meanwhile.", id }) : { track }
        })))
  }),
  trackDelete: t.field({
    type: TrackDeleteSuccess,
    scope: "WRITE",
    description: "Deletes a track with its files, stems, transcripts and whatever else belongs to it. Refused while a job works on it: cancel that first. Its jobs stay, without the track.",
    errors: failsWith(deleteFailures, "TrackDeleteResult", "What `trackDelete` comes to."),
    args: { id: t.arg.id({ required: true, description: "Of the track." }) },
    resolve: answer(deleteFailures, (_root, { id }: { readonly id: string }) =>
      byId("Track", id, (trackId) =>
        Effect.flatMap(Tracks, (tracks) => Effect.as(tracks.remove(trackId), { id }))))
  })
}))
