import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { ArtifactEntity } from "./ArtifactEntity.ts"
import { BlobEntity } from "./BlobEntity.ts"

/** The peaks of an artifact at one resolution, stored as an audiowaveform .dat file. */
export const WaveformEntity = defineEntity({
  name: "Waveform",
  tableName: "waveform",
  primaryKeys: ["artifactId", "samplesPerPixel"],
  properties: {
    artifactId: () => p.manyToOne(ArtifactEntity).mapToPk().primary().fieldName("artifact_id").deleteRule("cascade"),
    samplesPerPixel: p.integer().primary(),
    sha256: () => p.manyToOne(BlobEntity).mapToPk().fieldName("sha256").deleteRule("no action")
  },
  indexes: [{ name: "waveform_blob_index", properties: ["sha256"] }]
})
export type WaveformEntity = InferEntity<typeof WaveformEntity>
