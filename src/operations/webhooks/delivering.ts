/**
 * Sends what is due: at once when it is announced, else by a slow poll, which also finds retries and what a dead node had
 * claimed. Any number of nodes do so side by side.
 */
import { Effect, FiberSet, Latch, Layer } from "effect"
import { Database } from "../../persistence/Database.ts"
import { OutboundHttp } from "../../providers/outbound/OutboundHttp.ts"
import { attempt, type Outcome } from "./attempt.ts"
import { claimDue, type ClaimedDelivery, isDue, release, settleDelivered, settleFailed, settleGone } from "./claims.ts"
import { webhookChannel } from "./enqueue.ts"
import { retryDelayMs } from "./retryDelay.ts"
import { type AttemptResult, countAttempt, showAttempts } from "./webhookMetrics.ts"

/** A receiver that never answers holds this many places, and leaves the rest to the others. */
const perEndpoint = 4
const concurrency = 32
const pollInterval = "2 seconds"
/** Beyond the attempt itself, for recording what came of it. */
const leaseSlackMs = 10_000
const retentionDays = 30
const sweepInterval = "1 hour"

export const deliveringLayer = ({ timeoutMs }: {
  /** For one attempt, from looking up the receiver's name to its answer. */
  readonly timeoutMs: number
}) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const database = yield* Database
      const outbound = yield* OutboundHttp
      const fibers = yield* FiberSet.make()
      const wake = yield* Latch.make(true)
      const busy = new Map<string, number>()
      let onTheirWay = 0
      yield* showAttempts
      const occupy = (endpointId: string, places: 1 | -1): void => {
        onTheirWay += places
        const now = (busy.get(endpointId) ?? 0) + places
        if (now === 0) busy.delete(endpointId)
        else busy.set(endpointId, now)
      }

      const record = Effect.fnUntraced(function* (claimed: ClaimedDelivery, outcome: Outcome): Effect.fn.Return<AttemptResult> {
        switch (outcome._tag) {
          case "Delivered":
            yield* database.transaction((tx) => settleDelivered(tx, claimed, outcome.httpStatus))
            return "delivered"
          case "Gone":
            if (yield* database.transaction((tx) => settleGone(tx, claimed, outcome.httpStatus))) {
              yield* Effect.logWarning("The receiver of webhooks wants nothing more (410): its endpoint is disabled")
            }
            return "gone"
          case "Failed": {
            const delayMs = yield* retryDelayMs(claimed.tries)
            const next = yield* database.transaction((tx) => settleFailed(tx, claimed, outcome.httpStatus, delayMs, outcome.retryAfterMs ?? 0))
            if (next === null) {
              yield* Effect.logWarning(`A webhook is given up after ${claimed.tries} attempts. ${outcome.reason}`)
              return "given_up"
            }
            yield* Effect.logInfo(`A webhook was not taken and will be sent again. ${outcome.reason}`, { nextAttemptAt: next?.toISOString() })
            return "retried"
          }
        }
      })

      const deliver = (claimed: ClaimedDelivery) =>
        attempt(outbound, claimed, timeoutMs).pipe(
          Effect.flatMap((outcome) => record(claimed, outcome)),
          Effect.flatMap(countAttempt),
          Effect.onInterrupt(() => database.transaction((tx) => release(tx, claimed))),
          Effect.catchCause((cause) => Effect.logWarning("What came of a webhook could not be recorded; it will be sent again", cause)),
          Effect.ensuring(Effect.suspend(() => {
            occupy(claimed.endpointId, -1)
            return Latch.open(wake)
          })),
          Effect.annotateLogs({ deliveryId: claimed.id, endpointId: claimed.endpointId, attempt: claimed.attempts }),
          Effect.withSpan("Webhooks.deliver", { kind: "producer", root: true }, { captureStackTrace: false })
        )

      const sendDue = Effect.gen(function* () {
        if (onTheirWay >= concurrency) return
        const claimed = yield* database.transaction((tx) =>
          claimDue(tx, { limit: concurrency - onTheirWay, perEndpoint, busy, leaseMs: timeoutMs + leaseSlackMs })
        )
        for (const each of claimed) {
          occupy(each.endpointId, 1)
          yield* FiberSet.run(fibers, deliver(each))
        }
      }).pipe(
        // Or a message could be claimed and not sent.
        Effect.uninterruptible,
        Effect.catchCause((cause) => Effect.logWarning("Looking for webhooks to send failed; it will be tried again", cause))
      )

      /** Until something is announced or done with, or a poll finds a message: claiming writes, and an idle node is to write nothing. */
      const untilDue = Latch.whenOpen(wake, Effect.succeed(true)).pipe(
        Effect.timeoutOrElse({ duration: pollInterval, orElse: () => isDue(database) }),
        Effect.repeat({ until: (found) => found }),
        Effect.catchCause((cause) => Effect.logWarning("Looking for webhooks to send failed; it will be tried again", cause))
      )

      const forgetOld = database.transaction((tx) =>
        tx.query(
          `delete from webhook_delivery d using webhook_endpoint e
           where d.endpoint_id = e.id and d.next_attempt_at is null and d.created_at < now() - interval '${retentionDays} days'`
        )
      ).pipe(Effect.catchCause((cause) => Effect.logWarning("Forgetting old webhooks failed; it will be tried again", cause)))

      yield* database.listen(webhookChannel, () => Latch.openUnsafe(wake))
      yield* Effect.forkScoped(
        Effect.gen(function* () {
          yield* Latch.close(wake)
          yield* sendDue
          yield* untilDue
        }).pipe(Effect.forever)
      )
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(forgetOld, Effect.sleep(sweepInterval))))
    })
  )
