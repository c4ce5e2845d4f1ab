import { Context, Effect, Layer, type Scope } from "effect"
import type { Feed } from "../domain/Feed.ts"
import { sharedFeeds } from "../jobs/sharedFeeds.ts"
import { watchRows } from "../jobs/watchedRows.ts"
import { Database } from "../persistence/Database.ts"
import type { TrackCriteria } from "../persistence/reads/trackCriteria.ts"
import { matchingTracks, matchingTracksSince, type TrackRecord } from "../persistence/reads/tracks.ts"

/** Told a track's id by the database itself whenever the track or one of its files has changed: see migrations/0004. */
const trackChannel = "playhead_track"

/** Watching tracks, whoever changes them. All who watch the same share one feed, which is read once. */
export class TrackEvents extends Context.Service<TrackEvents, {
  /** The tracks that match as they change, held while the scope is open. Behind position 0 stand all that match and whose import is under way. */
  readonly changed: (criteria: TrackCriteria) => Effect.Effect<Feed<TrackRecord>, never, Scope.Scope>
}>()("playhead/library/TrackEvents") {
  static readonly layer = Layer.effect(
    TrackEvents,
    Effect.gen(function* () {
      const database = yield* Database
      const watchers = new Set<(trackId: string) => void>()
      const changed = yield* sharedFeeds((key) => {
        const criteria = JSON.parse(key) as TrackCriteria
        return watchRows<TrackRecord>({
          name: `trackChanged:${key}`,
          matching: (ids) => matchingTracks(criteria, ids),
          matchingSince: (since) => matchingTracksSince(criteria, since),
          onAnnounced: (tell) => {
            watchers.add(tell)
            return () => watchers.delete(tell)
          }
        })
      })
      yield* database.listen(trackChannel, (trackId) => {
        for (const tell of watchers) tell(trackId)
      })
      return TrackEvents.of({ changed: (criteria) => changed(JSON.stringify(criteria)) })
    })
  )
}
