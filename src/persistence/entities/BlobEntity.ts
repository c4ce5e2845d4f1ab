import { defineEntity, type InferEntity, p } from "@mikro-orm/core"

/** A stored file. The row is written before the file is put in place, so that no file is ever without one. */
export const BlobEntity = defineEntity({
  name: "Blob",
  tableName: "blob",
  properties: {
    /** Hexadecimal. */
    sha256: p.text().primary(),
    sizeBytes: p.bigint("number"),
    createdAt: p.datetime(3)
  }
})
export type BlobEntity = InferEntity<typeof BlobEntity>
