import type { TrackCriteria } from "../../persistence/reads/trackCriteria.ts"
import { builder } from "../builder.ts"
import { TrackStatusEnum } from "../enums.ts"

export const TrackFilter = builder.inputType("TrackFilter", {
  description: "Which tracks. What is not given does not matter; all that is given must hold. Case and accents never matter.",
  fields: (t) => ({
    status: t.field({ type: [TrackStatusEnum], description: "In one of these statuses." }),
    artist: t.string({ description: "By this artist." }),
    album: t.string({ description: "On this album." }),
    genre: t.string({ description: "Of this genre." }),
    tag: t.string({ description: "With this label." }),
    yearFrom: t.int({ description: "Of this year or later." }),
    yearTo: t.int({ description: "Of this year or earlier." }),
    durationMsFrom: t.int({ description: "At least this long." }),
    durationMsTo: t.int({ description: "At most this long." }),
    hasStems: t.boolean({ description: "Whether vocals and instrumental were separated." })
  })
})

/** Without what was not given, and in one order: equal filters are equal. */
export const trackCriteria = (filter: typeof TrackFilter.$inferInput | null | undefined): TrackCriteria => {
  const { album, artist, durationMsFrom, durationMsTo, genre, hasStems, status, tag, yearFrom, yearTo } = filter ?? {}
  const all = { status: status?.toSorted(), artist, album, genre, tag, yearFrom, yearTo, durationMsFrom, durationMsTo, hasStems }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null && value !== undefined))
}
