/** Incidents as they open and are resolved. Positions are times, so that what a reader missed can be asked of the database. */
import { Clock, Effect, Latch, type Scope } from "effect"
import type { Feed, FeedEntry } from "../../domain/Feed.ts"
import { makeFeedSource } from "../../jobs/feedSource.ts"
import { throughOutages } from "../../jobs/outages.ts"
import type { IncidentRecord } from "./IncidentRecord.ts"

/** By so much the clocks of two nodes may differ. Who reads a little too much is told twice, which does no harm. */
const clockSlackMs = 60_000

interface Reads {
  readonly open: Effect.Effect<ReadonlyArray<IncidentRecord>>
  readonly byId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<IncidentRecord>>
  readonly since: (timeMs: number) => Effect.Effect<ReadonlyArray<IncidentRecord>>
  readonly listen: (onMessage: (id: string) => void) => Effect.Effect<void, never, Scope.Scope>
}

/** Behind position 0 stand the open ones. */
export const watchIncidents = (reads: Reads): Effect.Effect<Feed<IncidentRecord>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const source = makeFeedSource<IncidentRecord>(yield* Clock.currentTimeMillis)
    const changed = new Set<string>()
    const latch = yield* Latch.make(false)
    let heardAt = source.newest()
    const tell = (id: string): void => {
      changed.add(id)
      latch.openUnsafe()
    }
    yield* reads.listen(tell)

    const entryAt = (position: number, value: IncidentRecord): FeedEntry<IncidentRecord> => ({ position, value, subject: value.id, last: false })
    const tail = Effect.gen(function* () {
      while (true) {
        yield* latch.await
        yield* latch.close
        const ids = [...changed]
        changed.clear()
        const now = yield* Clock.currentTimeMillis
        const rows = yield* Effect.onError(ids.includes("") ? reads.since(heardAt - clockSlackMs) : reads.byId(ids), () => Effect.sync(() => ids.forEach(tell)))
        heardAt = now
        const first = Math.max(source.newest() + 1, now)
        if (rows.length > 0) source.publish(rows.map((row, index) => entryAt(first + index, row)))
      }
    })
    yield* Effect.forkScoped(Effect.onError(throughOutages(tail), (failure) => Effect.sync(() => source.end({ failure }))))

    return {
      name: "incidentChanged",
      newest: source.newest,
      ended: source.ended,
      listen: source.listen,
      stored: (after) =>
        Effect.suspend(() => {
          const until = source.newest()
          return Effect.map(throughOutages(after === 0 ? reads.open : reads.since(after - clockSlackMs)), (rows) => ({ entries: rows.map((row) => entryAt(until, row)), until }))
        })
    }
  })
