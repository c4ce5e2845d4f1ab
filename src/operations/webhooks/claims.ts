/**
 * Who sends which message when. Times are the database's, as nodes may disagree about theirs. A claim is a lease: when
 * the node dies, the message is due again once the lease has ended, so it is sent at least once.
 */
import { Effect, Redacted } from "effect"
import type { Database, Transaction } from "../../persistence/Database.ts"
import { retryHours } from "./enqueue.ts"

export interface ClaimedDelivery {
  readonly id: string
  readonly endpointId: string
  readonly url: string
  readonly secret: Redacted.Redacted<string>
  readonly body: string
  /** Together with `tries` the fencing token: whoever claims the message again, or asks for it again, changes them. */
  readonly attempts: number
  readonly tries: number
  /** The database's time. */
  readonly at: Date
}

export interface Claiming {
  /** How many in all. */
  readonly limit: number
  /** How many of one receiver may be on their way at once. */
  readonly perEndpoint: number
  /** How many of each receiver are on their way from this node. */
  readonly busy: ReadonlyMap<string, number>
  readonly leaseMs: number
}

type Row = Omit<ClaimedDelivery, "secret"> & { readonly secret: string }

/** Takes what is due, oldest first; a receiver with much to get leaves room for the others. What another node takes is passed over. */
export const claimDue = (tx: Transaction, { busy, leaseMs, limit, perEndpoint }: Claiming): Effect.Effect<ReadonlyArray<ClaimedDelivery>> =>
  Effect.map(
    tx.query<Row>(
      `with endpoint as (
         select e.id, e.url, e.secret, greatest(0, $2::int - coalesce(b.busy, 0)) as free
         from webhook_endpoint e left join unnest($3::uuid[], $4::int[]) as b (id, busy) on b.id = e.id
         where e.enabled
       ), due as (
         select d.id, e.url, e.secret
         from endpoint e cross join lateral (
           select id, next_attempt_at from webhook_delivery where endpoint_id = e.id and next_attempt_at <= now()
           order by next_attempt_at limit e.free for update skip locked
         ) as d
         order by d.next_attempt_at limit $1
       )
       update webhook_delivery w
       set attempts = attempts + 1, tries = tries + 1, next_attempt_at = clock_timestamp() + $5 * interval '1 millisecond'
       from due where w.id = due.id
       returning w.id, w.endpoint_id as "endpointId", due.url, due.secret, w.body, w.attempts, w.tries, clock_timestamp() as at`,
      [limit, perEndpoint, [...busy.keys()], [...busy.values()], leaseMs]
    ),
    (rows) => rows.map((row) => ({ ...row, secret: Redacted.make(row.secret) }))
  )

const dueSql = `
  select 1 from webhook_endpoint e
  where e.enabled and exists (select 1 from webhook_delivery d where d.endpoint_id = e.id and d.next_attempt_at <= now())
  limit 1`

/** Whether there may be something to take. */
export const isDue = (database: Database["Service"]): Effect.Effect<boolean> => Effect.map(database.query("webhooks.due", dueSql), (rows) => rows.length > 0)

const held = "id = $1 and attempts = $2 and tries = $3"
/** As `held`, and meant to be delivered still: its endpoint has not been disabled meanwhile. */
const leased = `${held} and next_attempt_at is not null`

export const settleDelivered = (tx: Transaction, { attempts, id, tries }: ClaimedDelivery, httpStatus: number): Effect.Effect<void> =>
  tx.execute(`update webhook_delivery set delivered_at = clock_timestamp(), http_status = $4, next_attempt_at = null where ${held}`, [id, attempts, tries, httpStatus])

/**
 * Plans the next attempt: after the delay, but the last one at the end of the window, and none earlier than the receiver
 * asked for. Returns when it is, or null when the message is given up; undefined when it is no longer this attempt's.
 */
export const settleFailed = (tx: Transaction, { attempts, id, tries }: ClaimedDelivery, httpStatus: number | null, delayMs: number, retryAfterMs: number): Effect.Effect<Date | null | undefined> =>
  Effect.map(
    tx.query<{ nextAttemptAt: Date | null }>(
      `update webhook_delivery set http_status = $4, next_attempt_at = case when clock_timestamp() < retry_until
         then greatest(least(clock_timestamp() + $5 * interval '1 millisecond', retry_until), clock_timestamp() + $6 * interval '1 millisecond') end
       where ${leased} returning next_attempt_at as "nextAttemptAt"`,
      [id, attempts, tries, httpStatus, delayMs, retryAfterMs]
    ),
    (rows) => rows[0]?.nextAttemptAt
  )

/** The receiver wants nothing more: it is disabled, and all that was meant for it given up. Whether it was this attempt that did so. */
export const settleGone = Effect.fnUntraced(function* (tx: Transaction, { attempts, endpointId, id, tries }: ClaimedDelivery, httpStatus: number) {
  // The endpoint first, as wherever both are locked.
  yield* tx.execute("select 1 from webhook_endpoint where id = $1 for no key update", [endpointId])
  const rows = yield* tx.query(`update webhook_delivery set http_status = $4 where ${leased} returning id`, [id, attempts, tries, httpStatus])
  if (rows.length === 0) return false
  yield* tx.execute("update webhook_endpoint set enabled = false where id = $1", [endpointId])
  yield* tx.execute("update webhook_delivery set next_attempt_at = null where endpoint_id = $1 and next_attempt_at is not null", [endpointId])
  return true
})

/** Gives a claim back at once, as at the end of the process. The attempt counts: nobody knows how far it came. */
export const release = (tx: Transaction, { attempts, id, tries }: ClaimedDelivery): Effect.Effect<void> =>
  tx.execute(`update webhook_delivery set next_attempt_at = now() where ${leased}`, [id, attempts, tries])

/** Begins anew with a message, whatever came of it before, and with its receiver if that was disabled. Whether there is such a message. */
export const restart = Effect.fnUntraced(function* (tx: Transaction, deliveryId: string) {
  yield* tx.query(
    "update webhook_endpoint set enabled = true where id = (select endpoint_id from webhook_delivery where id = $1) and not enabled",
    [deliveryId]
  )
  const rows = yield* tx.query(
    `update webhook_delivery set tries = 0, delivered_at = null, next_attempt_at = now(), retry_until = now() + interval '${retryHours} hours'
     where id = $1 returning id`,
    [deliveryId]
  )
  return rows.length > 0
})
