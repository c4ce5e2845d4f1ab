import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { ArtifactRole, QualityTier } from "../../domain/Track.ts"
import { BlobEntity } from "./BlobEntity.ts"
import { oneOf } from "./checks.ts"
import { JobEntity } from "./JobEntity.ts"
import { TrackEntity } from "./TrackEntity.ts"

/** A file of a track: the original, a stem, the cover, a result of a job. */
export const ArtifactEntity = defineEntity({
  name: "Artifact",
  tableName: "artifact",
  properties: {
    id: p.uuid().primary(),
    trackId: () => p.manyToOne(TrackEntity).mapToPk().fieldName("track_id").deleteRule("cascade"),
    role: p.text().$type<ArtifactRole>(),
    sha256: () => p.manyToOne(BlobEntity).mapToPk().fieldName("sha256").deleteRule("no action"),
    mediaType: p.text(),
    sizeBytes: p.bigint("number"),
    filename: p.text().nullable(),
    durationMs: p.integer().nullable(),
    integratedLufs: p.double().nullable(),
    truePeakDbtp: p.double().nullable(),
    rangeLu: p.double().nullable(),
    quality: p.text().$type<QualityTier>().nullable(),
    jobId: () => p.manyToOne(JobEntity).mapToPk().fieldName("job_id").nullable().deleteRule("set null"),
    createdAt: p.datetime(3)
  },
  checks: [
    { name: "artifact_role_check", expression: oneOf("role", ArtifactRole.literals) },
    { name: "artifact_quality_check", expression: oneOf("quality", QualityTier.literals) }
  ],
  indexes: [
    { name: "artifact_track_index", properties: ["trackId", "role"] },
    { name: "artifact_blob_index", properties: ["sha256"] },
    { name: "artifact_job_index", properties: ["jobId"] }
  ]
})
export type ArtifactEntity = InferEntity<typeof ArtifactEntity>
