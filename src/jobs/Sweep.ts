/** Finds what fell through: jobs of dead workers, jobs that the queue has lost, blobs that nothing refers to. */
import { Clock, Effect, Layer, Schedule } from "effect"
import { Database } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { lockJob } from "./jobLog.ts"
import { Node } from "./Node.ts"
import { Queue } from "./Queue.ts"

const interval = "30 seconds"
/** A job is not missed before this: its entry may be between two transactions. */
const orphanAgeMs = 5000

/** Runs once when the process starts, before it takes work, and then at intervals. */
export const sweepLayer = Layer.effectDiscard(
  Effect.gen(function*() {
    const database = yield* Database
    const queue = yield* Queue
    const node = yield* Node
    const blobs = yield* Blobs

    const releaseDead = Effect.gen(function*() {
      const rows = yield* database.query<{ id: string; node: string }>(
        "jobs.held",
        "select id, node from job where status in ('RUNNING', 'CANCELLING') and node is not null"
      )
      const dead = rows.filter((row) => node.isKnownDead(row.node))
      yield* Effect.forEach(dead, (row) => queue.release(row.id), { discard: true })
      if (dead.length > 0) yield* Effect.logInfo(`${dead.length} jobs of a process that is no more go on`)
    })

    const enqueueOrphans = Effect.fnUntraced(function*(ageMs: number) {
      const orphans = yield* queue.orphans(new Date((yield* Clock.currentTimeMillis) - ageMs))
      yield* Effect.forEach(orphans, (orphan) =>
        database.transaction((tx) =>
          Effect.gen(function*() {
            // Two nodes may sweep at once: the row's lock lets one of them through at a time, and the second sees the entry.
            yield* lockJob(tx, orphan.id)
            if (yield* queue.hasEntry(tx, orphan.id)) return
            yield* queue.send(tx, orphan.id, { priority: orphan.priority, ...(orphan.resume_at === null ? {} : { startAfter: orphan.resume_at }) })
          })
        ), { discard: true })
      if (orphans.length > 0) yield* Effect.logWarning(`${orphans.length} unfinished jobs had no queue entry and were given one`)
    })

    const sweep = (ageMs: number) =>
      Effect.all([releaseDead, enqueueOrphans(ageMs), blobs.sweep], { discard: true }).pipe(
        Effect.catchCause((cause) => Effect.logWarning("The sweep failed; it will be tried again", cause))
      )

    yield* sweep(orphanAgeMs)
    yield* Effect.forkScoped(sweep(orphanAgeMs).pipe(Effect.delay(interval), Effect.repeat(Schedule.forever)))
  })
)
