/**
 * Delivery, by pg-boss. An entry is only the permission to work on a job: the job's row is the truth, and the whole
 * queue may be lost without losing work (see Sweep.ts). Whoever holds a job's row may change its entries, and never the
 * other way round, except to take one: so nobody waits in a circle.
 */
import { Context, Effect, Layer, Scope } from "effect"
import { PgBoss } from "pg-boss"
import type { JobKind } from "../domain/Job.ts"
import { Database, type Transaction } from "../persistence/Database.ts"

const queueName = "job"
/** Notified on commit when an entry was added that can be taken at once. */
export const queueChannel = "playhead_queue"

/** How long a silent worker keeps its entry; pg-boss accepts no less. */
const heartbeatSeconds = 10
/** pg-boss would end longer work; the stages have limits of their own. Its maximum is a day. */
const expireInSeconds = 23 * 3600
/** pg-boss gives an entry up that was lost so often; the sweep would make a new one. The runner gives up earlier. */
const retryLimit = 1000

// pg-boss's own table: it has no call that finds, moves or removes entries by their keys within a transaction.
const entries = `pgboss.job b where b.name = '${queueName}'`
const waiting = "b.state in ('created', 'retry')"
/** As `boss.fetch` has it, and the index that it is made for. */
const takeable = "b.state < 'active' and not b.blocked"
const liveEntry = (key: string) => `select 1 from ${entries} and b.singleton_key = ${key} and b.state in ('created', 'retry', 'active')`
/** Those that somebody takes at this moment are left alone: he waits for the job's row, and looks at the job then. */
const entriesInState = (state: string) => `select b.id from ${entries} and b.singleton_key = $1 and ${state} for update skip locked`
const unsettled = "b.state in ('created', 'retry', 'active')"

/** What an entry says of its job. */
interface Ticket {
  readonly id: string
  readonly kind: JobKind
  readonly priority: number
  /** Of a job that waits once more: its place is that of its submission, before younger ones of its priority. */
  readonly created_at?: Date
}

export interface Delivery {
  readonly entryId: string
  readonly jobId: string
  /** Tells one taking of the entry from a later one, after this one was given up for lost. */
  readonly retryCount: number
}

export class Queue extends Context.Service<Queue, {
  /** Adds an entry in the transaction: it is there when the transaction commits, and only then. Announcing it on `queueChannel` is the caller's. */
  readonly add: (tx: Transaction, job: Ticket, startAfter?: Date) => Effect.Effect<void>
  /** Adds an entry and, when it can be taken at once, announces it. */
  readonly send: (tx: Transaction, job: Ticket, startAfter?: Date) => Effect.Effect<void>
  /** Removes an entry that was taken. */
  readonly settle: (tx: Transaction, entryId: string) => Effect.Effect<void>
  /** Removes a job's entries that wait. */
  readonly withdraw: (tx: Transaction, jobId: string) => Effect.Effect<void>
  /** Moves a job's entries: those that wait, and one that is worked on for the case that it is given up. */
  readonly prioritize: (tx: Transaction, jobId: string, priority: number) => Effect.Effect<void>
  /** Takes entries that are due, up to `limit`: those of the highest priority, of these the oldest. They are held by whoever commits the transaction. */
  readonly take: (tx: Transaction, limit: number, except: ReadonlyArray<JobKind>) => Effect.Effect<ReadonlyArray<Delivery>>
  /** Whether there is an entry to take, of another kind than these. */
  readonly isDue: (except: ReadonlyArray<JobKind>) => Effect.Effect<boolean>
  /** Whether an entry is due that goes before those of this priority. */
  readonly isOvertaken: (tx: Transaction, priority: number) => Effect.Effect<boolean>
  /** Says that the entries are being worked on. One that somebody else has taken since is left alone. */
  readonly heartbeat: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void>
  /** Gives up the entry that a job's lost run held, so that it can be taken again. Returns whether there was one. */
  readonly release: (tx: Transaction, jobId: string) => Effect.Effect<boolean>
  readonly hasEntry: (tx: Transaction, jobId: string) => Effect.Effect<boolean>
  /** Unfinished jobs that nobody works on and no entry stands for, unchanged for so long. */
  readonly orphans: (ageSeconds: number) => Effect.Effect<ReadonlyArray<{ readonly id: string }>>
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
      /** For a call of pg-boss within a transaction. */
      const within = (tx: Transaction) => ({
        executeSql: (text: string, values?: ReadonlyArray<unknown>) =>
          Effect.runPromise(Effect.map(tx.query<object>(text, values), (rows) => ({ rows: [...rows] })))
      })

      /** For a call of pg-boss whose answer nobody needs. */
      const unanswered = (tx: Transaction) => ({
        executeSql: async (text: string, values: ReadonlyArray<unknown> = []) => {
          await Effect.runPromise(tx.execute(text, values))
          return { rows: [], rowCount: 0 }
        }
      })

      const add = Effect.fn("Queue.add")(function*(tx: Transaction, job: Ticket, startAfter?: Date) {
        const entryId = yield* Effect.promise(() =>
          boss.send(queueName, { jobId: job.id }, {
            db: job.created_at === undefined ? unanswered(tx) : within(tx),
            singletonKey: job.id,
            priority: job.priority,
            group: { id: job.kind },
            ...(startAfter === undefined ? {} : { startAfter })
          })
        )
        if (job.created_at !== undefined) {
          yield* tx.execute("update pgboss.job set created_on = $3 where name = $1 and id = $2", [queueName, entryId, job.created_at])
        }
      })
      const send = Effect.fn("Queue.send")(function*(tx: Transaction, job: Ticket, startAfter?: Date) {
        yield* add(tx, job, startAfter)
        if (startAfter === undefined) yield* tx.notify(queueChannel, "")
      })

      const release = Effect.fn("Queue.release")(function*(tx: Transaction, jobId: string) {
        const held = yield* tx.query<{ id: string }>(`select b.id from ${entries} and b.singleton_key = $1 and b.state = 'active'`, [jobId])
        if (held.length === 0) return false
        yield* Effect.promise(() => boss.fail(queueName, held.map((entry) => entry.id), null, { db: within(tx) }))
        yield* tx.notify(queueChannel, "")
        return true
      })

      return Queue.of({
        add,
        send,
        release,
        settle: (tx, entryId) => tx.execute(`delete from pgboss.job where name = '${queueName}' and id = $1`, [entryId]),
        withdraw: (tx, jobId) => tx.execute(`delete from pgboss.job where name = '${queueName}' and id in (${entriesInState(waiting)})`, [jobId]),
        prioritize: (tx, jobId, priority) =>
          tx.execute(`update pgboss.job set priority = $2 where name = '${queueName}' and id in (${entriesInState(unsettled)})`, [jobId, priority]).pipe(
            Effect.andThen(tx.notify(queueChannel, ""))
          ),
        take: Effect.fn("Queue.take")((tx, limit, except) =>
          Effect.promise(() => boss.fetch<{ readonly jobId: string }>(queueName, { db: within(tx), batchSize: limit, ignoreGroups: [...except] })).pipe(
            Effect.map((taken) => taken.map((entry) => ({ entryId: entry.id, jobId: entry.data.jobId, retryCount: entry.retryCount })))
          )
        ),
        isDue: (except) =>
          database.query("jobs.due", `select 1 from ${entries} and ${takeable} and b.start_after <= now() and (b.group_id is null or b.group_id <> all($1::text[])) limit 1`, [except]).pipe(
            Effect.map((rows) => rows.length > 0)
          ),
        isOvertaken: (tx, priority) =>
          tx.query(`select 1 from ${entries} and ${waiting} and b.priority > $1 and b.start_after <= now() limit 1`, [priority]).pipe(
            Effect.map((rows) => rows.length > 0)
          ),
        heartbeat: Effect.fn("Queue.heartbeat")((deliveries) =>
          Effect.promise(() => boss.touch(queueName, deliveries.map(({ entryId, retryCount }) => ({ id: entryId, retryCount })))).pipe(Effect.asVoid)
        ),
        hasEntry: (tx, jobId) => Effect.map(tx.query(liveEntry("$1"), [jobId]), (rows) => rows.length > 0),
        orphans: (ageSeconds) =>
          database.query(
            "jobs.orphans",
            `select j.id from job j
             where (j.status in ('QUEUED', 'WAITING') or j.status in ('RUNNING', 'CANCELLING') and j.node is null)
               and j.updated_at < now() - make_interval(secs => $1) and not exists (${liveEntry("j.id::text")})
             order by j.priority desc, j.created_at limit 500`,
            [ageSeconds]
          ),
        depth: Effect.map(
          database.query<{ count: number }>("jobs.depth", `select count(*)::int as count from ${entries} and b.state in ('created', 'retry', 'active')`),
          (rows) => rows[0]?.count ?? 0
        ),
        onEntries: (wake) => database.listen(queueChannel, wake)
      })
    })
  )
}
