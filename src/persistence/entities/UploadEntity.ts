import { defineEntity, type InferEntity, p } from "@mikro-orm/core"

/** A resumable upload. Its bytes are in a file until all are there, then in a blob that is held under the upload's id. */
export const UploadEntity = defineEntity({
  name: "Upload",
  tableName: "upload",
  properties: {
    /** Also the id of the job that imports it. */
    id: p.uuid().primary(),
    /** Who began it: the name of a viewer, or the address that it came from where nobody is asked. */
    account: p.text().default(""),
    /** As announced. */
    sizeBytes: p.bigint("number"),
    /** As the client gave it. */
    metadata: p.json<Readonly<Record<string, string | null>>>().defaultRaw("'{}'"),
    /** Hexadecimal; null until the last byte has come. */
    sha256: p.text().nullable(),
    createdAt: p.datetime(3),
    expiresAt: p.datetime(3)
  },
  indexes: [{ name: "upload_expiry_index", properties: ["expiresAt"] }]
})
export type UploadEntity = InferEntity<typeof UploadEntity>
