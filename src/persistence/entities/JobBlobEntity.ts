import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { BlobEntity } from "./BlobEntity.ts"
import { JobEntity } from "./JobEntity.ts"

/** A file that an unfinished job holds, so that the clean-up of unused files leaves it alone. */
export const JobBlobEntity = defineEntity({
  name: "JobBlob",
  tableName: "job_blob",
  primaryKeys: ["jobId", "sha256"],
  properties: {
    jobId: () => p.manyToOne(JobEntity).mapToPk().primary().fieldName("job_id").updateRule("no action").deleteRule("cascade"),
    sha256: () => p.manyToOne(BlobEntity).mapToPk().primary().fieldName("sha256").updateRule("no action").deleteRule("no action")
  },
  indexes: [{ name: "job_blob_blob_index", properties: ["sha256"] }]
})
export type JobBlobEntity = InferEntity<typeof JobBlobEntity>
