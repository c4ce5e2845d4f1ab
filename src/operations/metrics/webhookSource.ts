/** The webhooks that are still to be delivered, of all nodes of the database together. */
import { Effect, Metric } from "effect"
import { Database } from "../../persistence/Database.ts"
import { retryHours } from "../webhooks/enqueue.ts"
import type { MetricSource } from "./Metrics.ts"

const pending = Metric.gauge("playhead_webhook_deliveries_pending", { description: "Webhooks that are still to be delivered or to be tried again, on all nodes." })
const oldest = Metric.gauge("playhead_webhook_oldest_pending_age_seconds", {
  description: "For how long the webhook that was not delivered for longest has been tried; 0 when none is to be delivered."
})

interface Row {
  readonly count: number
  readonly age: number
}

export const webhookSource: Effect.Effect<MetricSource, never, Database> = Effect.map(Database, (database) => ({
  name: "webhooks",
  // One that was asked for again is tried from then on, however old it is.
  read: Effect.map(
    database.query<Row>(
      "metrics.webhooks",
      `select count(*)::int as count,
         coalesce(extract(epoch from clock_timestamp() - min(retry_until - interval '${retryHours} hours')), 0)::float8 as age
       from webhook_delivery where next_attempt_at is not null`
    ),
    ([row]) => [[pending, row?.count ?? 0], [oldest, Math.max(0, row?.age ?? 0)]]
  )
}))
