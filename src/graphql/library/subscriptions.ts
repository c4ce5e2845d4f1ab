import { Effect } from "effect"
import { TrackEvents } from "../../library/TrackEvents.ts"
import { watch } from "../bridge.ts"
import { builder } from "../builder.ts"
import { trackCriteria, TrackFilter } from "./TrackFilter.ts"
import { TrackRef } from "./TrackRef.ts"

builder.subscriptionField("trackChanged", (t) =>
  t.field({
    type: TrackRef,
    scope: "READ",
    description: "Each track that matches: those whose import is under way at once, and every one whenever it changes.",
    args: { filter: t.arg({ type: TrackFilter, description: "Only tracks that match." }) },
    subscribe: (_, { filter }, context) => watch(Effect.flatMap(TrackEvents, (events) => events.changed(trackCriteria(filter))), 0, context),
    resolve: (track) => track
  }))
