/** Incidents open and resolve by themselves, as their condition begins and ceases to hold. */
import { Context, Effect, Layer, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Feed } from "../../domain/Feed.ts"
import { sharedFeeds } from "../../jobs/sharedFeeds.ts"
import { watchRows } from "../../jobs/watchedRows.ts"
import { Database, type Transaction } from "../../persistence/Database.ts"
import { circuitChannel } from "../providers/sharedCircuits.ts"
import type { Condition } from "./Condition.ts"
import { holding } from "./conditions.ts"
import { type ErrorBudget, errorBudgetNow } from "./errorBudget.ts"
import type { IncidentRecord } from "./IncidentRecord.ts"

/** Told an incident's id when it has opened or been resolved. */
const incidentChannel = "playhead_incident"

const interval = "5 seconds"

/** There is one for each provider and burn rate at most. */
const mostOpen = 1000

export interface IncidentCriteria {
  readonly status: "OPEN" | "RESOLVED" | null
  /** The newest so many. */
  readonly limit: number
}

const columns = `id, cause, provider, opened_at as "openedAt", resolved_at as "resolvedAt", error_count as "errorCount"`

/** What else is to be done in the transaction in which an incident opens or is resolved. */
export type OnIncident = (tx: Transaction, incident: IncidentRecord) => Effect.Effect<void>

export class Incidents extends Context.Service<Incidents, {
  /** The newest first. */
  readonly list: (criteria: IncidentCriteria) => Effect.Effect<ReadonlyArray<IncidentRecord>>
  readonly byId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<IncidentRecord>>
  /** Incidents as they open and are resolved, held while the scope is open. Behind position 0 stand the open ones. */
  readonly changed: Effect.Effect<Feed<IncidentRecord>, never, Scope.Scope>
  readonly errorBudget: Effect.Effect<ErrorBudget>
  /** Looks whether incidents are to be opened or resolved. Done by itself every few seconds, by one node at a time. */
  readonly look: Effect.Effect<void>
}>()("playhead/operations/Incidents") {
  static readonly layer = (settings: { readonly objective: number; readonly onIncident: OnIncident }) =>
    Layer.effect(
      Incidents,
      Effect.gen(function* () {
        const database = yield* Database
        const random = yield* SecureRandom.SecureRandom
        const scope: Scope.Scope = yield* Effect.scope

        const tell = (tx: Transaction, rows: ReadonlyArray<IncidentRecord>) =>
          Effect.forEach(rows, (incident) => Effect.andThen(tx.notify(incidentChannel, incident.id), settings.onIncident(tx, incident)), { discard: true })

        const byId = (ids: ReadonlyArray<string>) => database.query<IncidentRecord>("incidents.byId", `select ${columns} from incident where id = any($1::uuid[])`, [ids])
        const list = ({ limit, status }: IncidentCriteria) =>
          database.query<IncidentRecord>(
            "incidents.list",
            `select ${columns} from incident where ($1::text is null or ($1 = 'OPEN') = (resolved_at is null)) order by opened_at desc, id desc limit $2`,
            [status, limit]
          )

        const openOne = Effect.fnUntraced(function* (tx: Transaction, { cause, errorCount, provider, since, subject }: Condition) {
          const rows = yield* tx.query<IncidentRecord>(
            `insert into incident (id, subject, cause, provider, opened_at, error_count, changed_at)
             select $1, $2, $3, $4, coalesce($6::timestamptz, now.at), $5, now.at from clock_timestamp() as now (at) returning ${columns}`,
            [yield* random.uuidV7(), subject, cause, provider, errorCount, since ?? null]
          )
          yield* tell(tx, rows)
          yield* Effect.logWarning("An incident has opened").pipe(Effect.annotateLogs({ cause, provider }))
        })

        const isAnyOpen = Effect.map(database.query("incidents.open", "select 1 from incident where resolved_at is null limit 1"), (rows) => rows.length > 0)
        const look = Effect.gen(function* () {
          const conditions = yield* holding(settings.objective)
          // As nearly always: nothing to be done, and so no transaction.
          if (conditions.length === 0 && !(yield* isAnyOpen)) return
          yield* database.transaction((tx) =>
            Effect.gen(function* () {
              const [lock] = yield* tx.query<{ mine: boolean }>("select pg_try_advisory_xact_lock(hashtextextended('incidents', 0)) as mine")
              if (lock?.mine !== true) return
              const open = yield* tx.query<{ subject: string }>("select subject from incident where resolved_at is null")
              const known = new Set(open.map(({ subject }) => subject))
              for (const condition of conditions) {
                if (!known.has(condition.subject)) yield* openOne(tx, condition)
                else yield* tx.execute("update incident set error_count = greatest(error_count, $2) where subject = $1 and resolved_at is null", [condition.subject, condition.errorCount])
              }
              const resolved = yield* tx.query<IncidentRecord>(
                `update incident set resolved_at = now.at, changed_at = now.at from clock_timestamp() as now (at)
                 where resolved_at is null and not subject = any($1::text[]) returning ${columns}`,
                [conditions.map(({ subject }) => subject)]
              )
              yield* tell(tx, resolved)
              for (const { cause, provider } of resolved) yield* Effect.logInfo("An incident is over").pipe(Effect.annotateLogs({ cause, provider }))
            })
          )
        }).pipe(Effect.provideService(Database, database))
        const regularLook = look.pipe(Effect.catchCause((cause) => Effect.logWarning("Looking for incidents failed; it will be tried again", cause)))
        yield* Effect.forkScoped(Effect.forever(Effect.delay(regularLook, interval)))
        yield* database.listen(circuitChannel, () => Effect.runFork(Effect.forkIn(regularLook, scope)))

        const watchers = new Set<(incidentId: string) => void>()
        const feeds = yield* sharedFeeds(() =>
          watchRows<IncidentRecord>({
            name: "incidentChanged",
            matching: (ids) => (ids === null ? list({ status: "OPEN", limit: mostOpen }) : byId(ids)),
            matchingSince: (since) => database.query<IncidentRecord>("incidents.since", `select ${columns} from incident where changed_at > $1 order by changed_at`, [since]),
            onAnnounced: (tell) => {
              watchers.add(tell)
              return () => watchers.delete(tell)
            }
          })
        )
        yield* database.listen(incidentChannel, (incidentId) => {
          for (const tell of watchers) tell(incidentId)
        })

        return Incidents.of({
          list,
          byId,
          look,
          changed: feeds("all"),
          errorBudget: Effect.provideService(errorBudgetNow(settings.objective), Database, database)
        })
      })
    )
}
