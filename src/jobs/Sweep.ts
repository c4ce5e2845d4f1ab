/** Finds what fell through: jobs that the queue has lost, blobs that nothing refers to, logs that are kept no longer. */
import { Effect, Layer } from "effect"
import { Database } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { lockJob } from "./jobLog.ts"
import { Queue } from "./Queue.ts"
import { shortenLogs } from "./shortenLogs.ts"

const queueInterval = "10 seconds"
const storageInterval = "1 minute"
const logInterval = "1 hour"
/** A job is not missed before this: its entry may be between two transactions. */
const orphanAgeSeconds = 5

/** Each part runs once when the process starts, and then at its interval. */
export const sweepLayer = (settings: { readonly logRetentionDays: number }) =>
  Layer.effectDiscard(
    Effect.gen(function*() {
      const database = yield* Database
      const queue = yield* Queue
      const blobs = yield* Blobs

      const enqueueOrphans = Effect.gen(function*() {
        const orphans = yield* queue.orphans(orphanAgeSeconds)
        yield* Effect.forEach(orphans, ({ id }) =>
          database.transaction((tx) =>
            Effect.gen(function*() {
              // Two nodes may sweep at once: the row's lock lets one of them through at a time, and the second sees the entry.
              const job = yield* lockJob(tx, id)
              if (job === undefined || (yield* queue.hasEntry(tx, id))) return
              yield* queue.send(tx, job, job.status === "WAITING" ? job.resume_at ?? undefined : undefined)
            })
          ), { discard: true })
        if (orphans.length > 0) yield* Effect.logWarning(`${orphans.length} unfinished jobs had no queue entry and were given one`)
      })

      const regularly = <E>(what: string, interval: string & Parameters<typeof Effect.sleep>[0], part: Effect.Effect<unknown, E>) => {
        const once = part.pipe(Effect.catchCause((cause) => Effect.logWarning(`${what} failed; it will be tried again`, cause)))
        return Effect.andThen(once, Effect.forkScoped(Effect.forever(Effect.delay(once, interval))))
      }

      yield* regularly("Looking for jobs without a queue entry", queueInterval, enqueueOrphans)
      yield* regularly("Looking for blobs that nothing refers to", storageInterval, blobs.sweep)
      yield* regularly("Shortening old logs", logInterval, shortenLogs(database, settings.logRetentionDays))
    })
  )
