import { countTracks, type ListedTrack, type TrackList, type TrackPage, trackPage, type TrackRecord } from "../../persistence/reads/tracks.ts"
import { parsePosition, positionText, type TrackPosition } from "../../persistence/reads/trackOrder.ts"
import { searchText } from "../../persistence/reads/trackSearch.ts"
import { read } from "../bridge.ts"
import { builder } from "../builder.ts"
import { connectionOf, type ListOf, pageArguments, readConnection } from "../connection.ts"
import { OrderDirectionEnum, TrackOrderFieldEnum } from "../enums.ts"
import { trackCriteria, TrackFilter } from "./TrackFilter.ts"
import { TrackRef } from "./TrackRef.ts"

const TrackOrder = builder.inputType("TrackOrder", {
  description: "In which order. Tracks that lack what they are ordered by come last, in either direction.",
  fields: (t) => ({
    field: t.field({ type: TrackOrderFieldEnum, required: true, description: "By what." }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: "ASC", description: "In which direction." })
  })
})

const { connection: TrackConnection, edge: TrackEdge } = connectionOf<TrackRecord, ListedTrack>("Track", TrackRef)

builder.objectField(TrackEdge, "score", (t) =>
  t.float({ nullable: true, description: "How well it fits the search, the higher the better; null without a search.", resolve: ({ node }) => node.score }))

const newestFirst = { field: "CREATED_AT", descending: true } as const
const bestFirst = { field: "RELEVANCE", descending: true } as const

/** A page's spellings stay those of the first page, whatever words the library learns meanwhile. */
const listOf = (list: TrackList): ListOf<ListedTrack, TrackPosition, TrackPage> => {
  const field = list.order.field === "RELEVANCE" && list.search === null ? "CREATED_AT" : list.order.field
  return {
    name: `tracks ${JSON.stringify(list)}`,
    positionOf: ({ id, orderKey }, { spellings }) => positionText({ key: orderKey instanceof Date ? orderKey.getTime() : orderKey, id, spellings }),
    parse: (position) => parsePosition(field, position)
  }
}

builder.queryField("tracks", (t) =>
  t.field({
    type: TrackConnection,
    scope: "READ",
    description: "The tracks of the library: the best matches first where something is searched for, else the newest.",
    args: {
      search: t.arg.string({ description: "Words of its title, artist, album, genres and labels; the last may be unfinished. Words that nothing has are taken for mistyped." }),
      filter: t.arg({ type: TrackFilter, description: "Only tracks that match." }),
      orderBy: t.arg({ type: TrackOrder, description: "In which order." }),
      ...pageArguments
    },
    resolve: (_, { filter, orderBy, search: typed, ...page }, context) => {
      const search = searchText(typed)
      const order = orderBy === null || orderBy === undefined
        ? search === null ? newestFirst : bestFirst
        : { field: orderBy.field, descending: orderBy.direction === "DESC" }
      const list = { criteria: trackCriteria(filter), search, order }
      return readConnection(listOf(list), page, (request) => read(trackPage(list, request, context.wanted), context), ({ spellings }) => read(countTracks(list, spellings), context))
    }
  }))
