import type { JobRecord } from "../../persistence/reads/jobs.ts"
import type { TrackRecord } from "../../persistence/reads/tracks.ts"
import { builder } from "../builder.ts"
import { listById, pageArguments, readConnection } from "../connection.ts"
import { ArtifactRoleEnum, TrackSourceKindEnum, TrackStatusEnum } from "../enums.ts"
import { globalId, idOf } from "../ids.ts"
import { JobConnection } from "../jobs/Job.ts"
import { JobRef } from "../jobs/JobRef.ts"
import { most } from "../limits.ts"
import { NodeInterface } from "../NodeInterface.ts"
import { ArtifactRef } from "./Artifact.ts"
import { loudnessOf, LoudnessRef } from "./Loudness.ts"
import { TrackRef } from "./TrackRef.ts"
import { waveformOf, WaveformRef } from "./Waveform.ts"

const TrackSourceRef = builder.objectRef<TrackRecord>("TrackSource").implement({
  description: "Where a track came from.",
  fields: (t) => ({
    kind: t.expose("sourceKind", { type: TrackSourceKindEnum, description: "In which way." }),
    url: t.expose("sourceUrl", { type: "URL", nullable: true, description: "The address it was fetched from." }),
    filename: t.exposeString("sourceFilename", { nullable: true, description: "What the file was called there." })
  })
})

TrackRef.implement({
  description: "A recording in the library.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id.", resolve: (track) => globalId("Track", track.id) }),
    status: t.expose("status", { type: TrackStatusEnum, description: "Whether it can be used." }),
    source: t.field({ type: TrackSourceRef, description: "Where it came from.", resolve: (track) => track }),
    title: t.exposeString("title", { description: "As given, else from its tags, else from its file name." }),
    artist: t.exposeString("artist", { nullable: true, description: "Who performs it." }),
    album: t.exposeString("album", { nullable: true, description: "The album it is on." }),
    albumArtist: t.exposeString("albumArtist", { nullable: true, description: "Whose album that is." }),
    genres: t.stringList({ description: "From its tags.", resolve: (track) => [...track.genres] }),
    year: t.exposeInt("year", { nullable: true, description: "Of its release." }),
    trackNumber: t.exposeInt("trackNumber", { nullable: true, description: "Its place on the album." }),
    tags: t.stringList({ description: "The library's own labels.", resolve: (track) => [...track.tags] }),
    language: t.exposeString("language", { nullable: true, description: "Of its words." }),
    musicBrainzId: t.exposeID("musicBrainzId", { nullable: true, description: "Of the recording at MusicBrainz." }),
    durationMs: t.exposeInt("durationMs", { nullable: true, description: "Counted from its samples." }),
    sampleRateHz: t.exposeInt("sampleRateHz", { nullable: true, description: "Samples a second." }),
    channels: t.exposeInt("channels", { nullable: true, description: "1 for mono, 2 for stereo." }),
    codec: t.exposeString("codec", { nullable: true, description: "How the audio is coded, in ffmpeg's name." }),
    container: t.exposeString("container", { nullable: true, description: "The format of the file." }),
    bitrateBps: t.exposeInt("bitrateBps", { nullable: true, description: "Bits a second, where the format says." }),
    sizeBytes: t.exposeFloat("sizeBytes", { nullable: true, description: "Of the original file." }),
    contentHash: t.exposeString("contentHash", { nullable: true, description: "SHA-256 of the original file, in hexadecimal." }),
    loudness: t.field({ type: LoudnessRef, nullable: true, description: "As measured.", resolve: loudnessOf }),
    waveform: t.field({
      type: WaveformRef,
      nullable: true,
      description: "Of the original.",
      resolve: async (track, _, context) => {
        const original = (await context.loaders.artifacts.load(track.id)).find((artifact) => artifact.role === "ORIGINAL")
        return original === undefined ? null : waveformOf(original.id, context)
      }
    }),
    cover: t.field({
      type: ArtifactRef,
      nullable: true,
      description: "The cover picture.",
      resolve: async (track, _, { loaders }) => (await loaders.artifacts.load(track.id)).find((artifact) => artifact.role === "COVER")
    }),
    metadataQuality: t.exposeFloat("metadataQuality", { nullable: true, description: "How well its tags describe it, 0 to 1." }),
    artifacts: t.field({
      type: [ArtifactRef],
      // Nothing keeps somebody from making more of them.
      extensions: { [most]: 10 },
      description: "Its files, oldest first.",
      args: { role: t.arg({ type: ArtifactRoleEnum, description: "Only files of this role." }) },
      resolve: async (track, { role }, { loaders }) => (await loaders.artifacts.load(track.id)).filter((artifact) => role === null || role === undefined || artifact.role === role)
    }),
    jobs: t.field({
      type: JobConnection,
      description: "Its jobs, newest first.",
      args: { ...pageArguments },
      resolve: (track, page, { loaders }) =>
        readConnection(listById<JobRecord>(`jobs ${track.id}`), page, (request) => loaders.jobsOfTrack.load({ trackId: track.id, page: request }), async () => (await loaders.jobCount.load(track.id))?.count ?? 0)
    }),
    latestJob: t.field({ type: JobRef, nullable: true, description: "Its newest job.", resolve: (track, _, { loaders }) => loaders.latestJob.load(track.id) }),
    version: t.exposeInt("version", { description: "Grows with every change; pass it back to change only what you have seen." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When it last changed." })
  })
})

builder.queryFields((t) => ({
  track: t.field({
    type: TrackRef,
    scope: "READ",
    nullable: true,
    description: "A track by its id; null when there is none.",
    args: { id: t.arg.id({ required: true, description: "Of the track." }) },
    resolve: (_, { id }, { loaders }) => {
      const trackId = idOf("Track", id)
      return trackId === undefined ? null : loaders.track.load(trackId)
    }
  })
}))
