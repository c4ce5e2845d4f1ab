import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import { TrackEntity } from "./TrackEntity.ts"

/** The words by which a track is found. The database writes them with the track: see migrations/0011_track_words.ts. */
export const TrackWordsEntity = defineEntity({
  name: "TrackWords",
  tableName: "track_words",
  properties: {
    id: () => p.manyToOne(TrackEntity).mapToPk().primary().fieldName("id").updateRule("no action").deleteRule("cascade"),
    words: p.text().columnType("tsvector").lazy()
  },
  indexes: [
    {
      name: "track_words_index",
      properties: ["words"],
      expression: "create index track_words_index on track_words using gin (words) with (fastupdate = off)"
    }
  ]
})
export type TrackWordsEntity = InferEntity<typeof TrackWordsEntity>
