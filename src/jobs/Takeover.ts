/**
 * Sees to it that the jobs of a node that is no more go on. A killed node loses its presence at once (see
 * `Database.bePresent`), which peers notice within seconds; one that hangs keeps it, and the queue notices the missing
 * heartbeats.
 */
import { Effect, Layer } from "effect"
import { Database } from "../persistence/Database.ts"
import { lockJob, writeJob } from "./jobLog.ts"
import { countLost } from "./jobMetrics.ts"
import { Node } from "./Node.ts"
import { Queue } from "./Queue.ts"
import { Worker } from "./Worker.ts"

const interval = "1 second"
/** How many looks in a row must miss a node: a living one is absent for a moment while its connection comes back. */
const looksBeforeDeath = 3
/** A job of this node that does not run here was claimed a moment ago, or its run ended without a word. */
const abandonedAfterSeconds = 5

interface Held {
  readonly id: string
  readonly node: string
  readonly abandoned: boolean
}

export const takeoverLayer = Layer.effectDiscard(
  Effect.gen(function*() {
    const database = yield* Database
    const queue = yield* Queue
    const node = yield* Node
    const worker = yield* Worker
    const missed = new Map<string, number>()

    const heldJobs = database.query<Held>(
      "jobs.held",
      `select id, node, updated_at < now() - make_interval(secs => ${abandonedAfterSeconds}) as abandoned
       from job where status in ('RUNNING', 'CANCELLING') and node is not null`
    )

    /** The job is nobody's then, and its entry can be taken again. */
    const giveUp = ({ id, node: holder }: Held) =>
      database.transaction((tx) => Effect.gen(function*() {
        const job = yield* lockJob(tx, id)
        // A peer was faster.
        if (job === undefined || job.node !== holder) return
        yield* writeJob(tx, job, { node: null }, [])
        if (!(yield* queue.release(tx, id)) && !(yield* queue.hasEntry(tx, id))) yield* queue.send(tx, job)
      }))

    const look = Effect.gen(function*() {
      const held = yield* heldJobs
      const others = [...new Set(held.map((job) => job.node))].filter((name) => name !== node.id)
      const absent = others.length === 0 ? [] : yield* database.absent(others)
      for (const name of missed.keys()) if (!absent.includes(name)) missed.delete(name)
      for (const name of absent) missed.set(name, (missed.get(name) ?? 0) + 1)
      // Absent and without a process is dead at once, as after a restart; two hosts may bear one name, so both must hold.
      const isDead = (name: string) => absent.includes(name) && ((missed.get(name) ?? 0) >= looksBeforeDeath || node.hasNoProcess(name))
      const lost = held.filter((job) => job.node === node.id ? job.abandoned && !worker.runs(job.id) : isDead(job.node))
      yield* Effect.forEach(lost, giveUp, { discard: true })
      if (lost.length > 0) yield* Effect.andThen(countLost(lost.length), Effect.logInfo(`${lost.length} jobs whose run was lost go on`))
    }).pipe(Effect.catchCause((cause) => Effect.logWarning("Looking for lost runs failed; it will be tried again", cause)))

    // From nothing on, so that the first one shows as an increase.
    yield* countLost(0)
    yield* look
    yield* Effect.forkScoped(Effect.forever(Effect.delay(look, interval)))
  })
)
