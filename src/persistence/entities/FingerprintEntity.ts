import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { TrackEntity } from "./TrackEntity.ts"

/** The acoustic fingerprint of a track. */
export const FingerprintEntity = defineEntity({
  name: "Fingerprint",
  tableName: "fingerprint",
  properties: {
    trackId: () =>
      p.manyToOne(TrackEntity).mapToPk().primary().fieldName("track_id").updateRule("no action").deleteRule("cascade"),
    durationMs: p.integer(),
    /** Raw Chromaprint, as signed 32-bit integers. */
    hashes: p.array<number>(Number).columnType("int4[]"),
    /** Distinct terms of the hashes, by which candidates are found. */
    terms: p.array<number>(Number).columnType("int4[]"),
    /** Whether the recording was compared with the others; only those that were can be found as the original of a duplicate. */
    confirmed: p.boolean().default(false)
  },
  indexes: [{ name: "fingerprint_terms_index", properties: ["terms"], type: "gin" }]
})
export type FingerprintEntity = InferEntity<typeof FingerprintEntity>
