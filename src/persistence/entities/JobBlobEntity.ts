import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { BlobEntity } from "./BlobEntity.ts"

/**
 * A file that an unfinished job holds, so that the clean-up of unused files leaves it alone. Not a foreign key: a file
 * may have to be in place before the job that will use it is there.
 */
export const JobBlobEntity = defineEntity({
  name: "JobBlob",
  tableName: "job_blob",
  primaryKeys: ["jobId", "sha256"],
  properties: {
    jobId: p.uuid().primary(),
    sha256: () =>
      p.manyToOne(BlobEntity).mapToPk().primary().fieldName("sha256").updateRule("no action").deleteRule("no action"),
    createdAt: p.datetime(3)
  },
  indexes: [{ name: "job_blob_blob_index", properties: ["sha256"] }]
})
export type JobBlobEntity = InferEntity<typeof JobBlobEntity>
