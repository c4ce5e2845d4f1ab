import type { ArtifactRecord } from "../../persistence/reads/artifacts.ts"
import { present } from "../bridge.ts"
import { builder } from "../builder.ts"
import { ArtifactRoleEnum, QualityTierEnum } from "../enums.ts"
import { globalId } from "../ids.ts"
import { JobRef } from "../jobs/JobRef.ts"
import { mediaUrl } from "../links.ts"
import { NodeInterface } from "../NodeInterface.ts"
import { loudnessOf, LoudnessRef } from "./Loudness.ts"
import { TrackRef } from "./TrackRef.ts"
import { waveformOf, WaveformRef } from "./Waveform.ts"

export const ArtifactRef = builder.objectRef<ArtifactRecord>("Artifact").implement({
  description: "A file of a track.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id.", resolve: (artifact) => globalId("Artifact", artifact.id) }),
    role: t.expose("role", { type: ArtifactRoleEnum, description: "What it is to its track." }),
    track: t.field({
      type: TrackRef,
      description: "The track that it belongs to.",
      resolve: (artifact, _, { loaders }) => present(loaders.track.load(artifact.trackId))
    }),
    url: t.field({ type: "URL", description: "Where its bytes are; takes Range requests.", resolve: (artifact, _, context) => mediaUrl(context, artifact.id) }),
    mediaType: t.exposeString("mediaType", { description: "As found in its content." }),
    sizeBytes: t.exposeFloat("sizeBytes", { description: "Its size." }),
    sha256: t.exposeString("sha256", { description: "Of its bytes, in hexadecimal; also its ETag." }),
    durationMs: t.exposeInt("durationMs", { nullable: true, description: "Counted from its samples." }),
    loudness: t.field({ type: LoudnessRef, nullable: true, description: "As measured.", resolve: loudnessOf }),
    waveform: t.field({ type: WaveformRef, nullable: true, description: "To draw it.", resolve: (artifact, _, context) => waveformOf(artifact.id, context) }),
    quality: t.expose("quality", { type: QualityTierEnum, nullable: true, description: "The tier of the method that made it." }),
    producedBy: t.field({
      type: JobRef,
      nullable: true,
      description: "The job that made it.",
      resolve: (artifact, _, { loaders }) => artifact.jobId === null ? null : loaders.job.load(artifact.jobId)
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." })
  })
})
