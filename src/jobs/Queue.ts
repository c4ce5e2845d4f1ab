/**
 * Delivery, by pg-boss. An entry is only the permission to work on a job: the job's row is the truth, and the whole
 * queue may be lost without losing work (see Sweep.ts).
 */
import { Context, Effect, Layer, Scope } from "effect"
import { fromKysely, type KyselyTransactionLike, PgBoss } from "pg-boss"
import { Database, type Transaction } from "../persistence/Database.ts"

const queueName = "job"
/** Notified on commit when an entry was added that can be fetched at once. */
export const queueChannel = "playhead_queue"

/** How long a silent worker keeps its entry; pg-boss accepts no less. */
const heartbeatSeconds = 10
/** pg-boss would end longer work; the stages have limits of their own. Its maximum is a day. */
const expireInSeconds = 23 * 3600
/** Deliveries that ended without a word, as when the process was killed. The runner gives up earlier. */
const retryLimit = 20

/** pg-boss's own table: it has no call that tells which of many keys have an entry. */
const liveEntry = (key: string) =>
  `select 1 from pgboss.job b where b.name = '${queueName}' and b.singleton_key = ${key} and b.state in ('created', 'retry', 'active')`

export interface Delivery {
  readonly entryId: string
  readonly jobId: string
  /** How often this entry's worker has vanished. */
  readonly lostDeliveries: number
}

export class Queue extends Context.Service<Queue, {
  /** Adds an entry in the transaction: it is there when the transaction commits, and only then. */
  readonly send: (tx: Transaction, jobId: string, options: { readonly priority: number; readonly startAfter?: Date }) => Effect.Effect<void>
  /** Removes an entry in the transaction. */
  readonly settle: (tx: Transaction, entryId: string) => Effect.Effect<void>
  /** Takes up to `count` entries, those of the highest priority and then the oldest first. */
  readonly fetch: (count: number) => Effect.Effect<ReadonlyArray<Delivery>>
  /** Says that the entries are being worked on. */
  readonly heartbeat: (entryIds: ReadonlyArray<string>) => Effect.Effect<void>
  /** Gives up an entry that a dead worker holds, so that it can be fetched again. */
  readonly release: (jobId: string) => Effect.Effect<void>
  readonly hasEntry: (tx: Transaction, jobId: string) => Effect.Effect<boolean>
  /** Unfinished jobs that no entry stands for. */
  readonly orphans: (before: Date) => Effect.Effect<ReadonlyArray<{ readonly id: string; readonly priority: number; readonly resume_at: Date | null }>>
  /** Entries that wait or are being worked on. */
  readonly depth: Effect.Effect<number>
  /** Runs when entries may have been added, and once at the start of listening. */
  readonly onEntries: (wake: () => void) => Effect.Effect<void, never, Scope.Scope>
}>()("playhead/jobs/Queue") {
  static readonly layer = Layer.effect(
    Queue,
    Effect.gen(function*() {
      const database = yield* Database
      const services = yield* Effect.context<never>()
      const boss = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const boss = new PgBoss({
            db: { executeSql: (text, values) => database.executeSql(text, values) },
            backend: database.engine === "pglite" ? "pglite" : "postgres",
            schedule: false,
            superviseIntervalSeconds: 5,
            monitorIntervalSeconds: 5,
            // A single embedded database of few rows has no use for either.
            reindex: database.engine === "postgres",
            monitorVacuum: database.engine === "postgres"
          })
          boss.on("error", (error) => Effect.runForkWith(services)(Effect.logWarning("The queue's maintenance failed; it will be tried again", error)))
          await boss.start()
          await boss.createQueue(queueName, { heartbeatSeconds, expireInSeconds, retryLimit, deleteAfterSeconds: 3600 })
          // Its first use looks the queue up on the pool: inside a transaction the embedded database would wait for that for ever.
          await boss.findJobs(queueName, { key: "" })
          return boss
        }),
        // The database outlives the queue and is closed by its own layer.
        (boss) => Effect.promise(() => boss.stop({ close: false, graceful: true, timeout: 2000 }))
      )
      // pg-boss declares only the one method it calls, with another opinion on its argument than kysely's types have.
      const within = (tx: Transaction) => fromKysely(tx.em.getTransactionContext() as KyselyTransactionLike)

      const send = Effect.fn("Queue.send")(function*(tx: Transaction, jobId: string, options: { readonly priority: number; readonly startAfter?: Date }) {
        yield* Effect.promise(() =>
          boss.send(queueName, { jobId }, {
            db: within(tx),
            singletonKey: jobId,
            priority: options.priority,
            ...(options.startAfter === undefined ? {} : { startAfter: options.startAfter })
          })
        )
        if (options.startAfter === undefined) yield* tx.notify(queueChannel, "")
      })

      return Queue.of({
        send,
        settle: Effect.fn("Queue.settle")((tx, entryId) =>
          Effect.promise(() => boss.deleteJob(queueName, entryId, { db: within(tx) })).pipe(Effect.asVoid)
        ),
        fetch: Effect.fn("Queue.fetch")((count) =>
          Effect.promise(() => boss.fetch<{ readonly jobId: string }>(queueName, { batchSize: count })).pipe(
            Effect.map((entries) => entries.map((entry) => ({ entryId: entry.id, jobId: entry.data.jobId, lostDeliveries: entry.retryCount })))
          )
        ),
        heartbeat: Effect.fn("Queue.heartbeat")((entryIds) =>
          Effect.promise(() => boss.touch(queueName, [...entryIds])).pipe(Effect.asVoid)
        ),
        release: Effect.fn("Queue.release")(function*(jobId) {
          const entries = yield* Effect.promise(() => boss.findJobs(queueName, { key: jobId }))
          const held = entries.filter((entry) => entry.state === "active").map((entry) => entry.id)
          if (held.length > 0) yield* Effect.promise(() => boss.fail(queueName, held))
        }),
        hasEntry: (tx, jobId) => Effect.map(tx.query(liveEntry("$1"), [jobId]), (rows) => rows.length > 0),
        orphans: (before) =>
          database.query(
            "jobs.orphans",
            `select j.id, j.priority, j.resume_at from job j
             where j.status in ('QUEUED', 'RUNNING', 'WAITING', 'CANCELLING') and j.updated_at < $1
               and not exists (${liveEntry("j.id::text")})
             order by j.priority desc, j.created_at limit 500`,
            [before]
          ),
        depth: Effect.map(
          database.query<{ count: number }>("jobs.depth", `select count(*)::int as count from pgboss.job where name = '${queueName}' and state in ('created', 'retry', 'active')`),
          (rows) => rows[0]?.count ?? 0
        ),
        onEntries: (wake) => database.listen(queueChannel, wake)
      })
    })
  )
}
