/** Rows as they change while they are watched: each change is read once, however many watch. */
import { Clock, Effect, Latch, type Scope } from "effect"
import type { Feed, FeedEntry } from "../domain/Feed.ts"
import type { Database } from "../persistence/Database.ts"
import { makeFeedSource } from "./feedSource.ts"
import { throughOutages } from "./outages.ts"

/** By so much the clocks of two nodes may differ. Who reads a little too much is told of a row twice, which does no harm. */
const clockSlackMs = 60_000

export interface WatchedRows<Row> {
  /** Feeds of the same name have the same rows. */
  readonly name: string
  /** Those of the rows that match, or all unfinished ones that do when no ids are given. */
  readonly matching: (ids: ReadonlyArray<string> | null) => Effect.Effect<ReadonlyArray<Row>, never, Database>
  /** All unfinished rows that match, and those that changed no earlier. */
  readonly matchingSince: (since: Date) => Effect.Effect<ReadonlyArray<Row>, never, Database>
  /** Registers what to call with the id of each row that changes, and with "" when any may have; returns how to stop. */
  readonly onAnnounced: (tell: (id: string) => void) => () => void
}

/**
 * The rows that match, each time one changes; of a reader that is behind, each row's newest state. Positions are times,
 * a number for each change: so what a reader missed can be asked of the database. Behind position 0 stand all unfinished
 * rows that match.
 */
export const watchRows = Effect.fn("jobs.watchRows")(function*<Row extends { readonly id: string }>(
  { matching, matchingSince, name, onAnnounced }: WatchedRows<Row>
): Effect.fn.Return<Feed<Row>, never, Database | Scope.Scope> {
  const services = yield* Effect.context<Database>()
  const source = makeFeedSource<Row>(yield* Clock.currentTimeMillis)
  const changed = new Set<string>()
  const latch = yield* Latch.make(false)
  let heardAt = source.newest()

  const tell = (id: string): void => {
    changed.add(id)
    latch.openUnsafe()
  }
  yield* Effect.acquireRelease(Effect.sync(() => onAnnounced(tell)), (stop) => Effect.sync(stop))

  const since = (time: number) => matchingSince(new Date(time - clockSlackMs))
  const read = (ids: ReadonlyArray<string>) => ids.includes("") ? since(heardAt) : matching(ids)

  const tail = Effect.gen(function*() {
    while (true) {
      yield* latch.await
      yield* latch.close
      const ids = [...changed]
      changed.clear()
      const now = yield* Clock.currentTimeMillis
      // An outage loses none of them.
      const rows = yield* Effect.onError(read(ids), () => Effect.sync(() => ids.forEach(tell)))
      heardAt = now
      const first = Math.max(source.newest() + 1, now)
      const entries = rows.map((row, index): FeedEntry<Row> => ({ position: first + index, value: row, subject: row.id, last: false }))
      if (entries.length > 0) source.publish(entries)
    }
  })
  yield* Effect.forkScoped(Effect.onError(throughOutages(tail), (failure) => Effect.sync(() => source.end({ failure }))))

  return {
    name,
    newest: source.newest,
    ended: source.ended,
    listen: source.listen,
    stored: (after) =>
      Effect.suspend(() => {
        const until = source.newest()
        const reading = after === 0 ? matching(null) : since(after)
        return Effect.map(throughOutages(reading), (rows) => ({ entries: rows.map((row) => ({ position: until, value: row, subject: row.id, last: false })), until }))
      }).pipe(Effect.provideContext(services))
  }
})
