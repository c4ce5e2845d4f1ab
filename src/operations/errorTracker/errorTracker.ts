/**
 * Sends what nobody expected to an error tracker of Sentry's protocol. Whoever reports an incident only puts it into a
 * queue: a tracker that is slow, full, broken or gone costs reports and nothing else.
 */
import { Clock, Data, Effect, ErrorReporter, Layer, Latch, Queue, Redacted, References, Schedule } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { RequestId } from "../../domain/Origin.ts"
import { redactText } from "../../domain/redaction.ts"
import type { SentryDsn } from "../../domain/SentryDsn.ts"
import { OutboundHttp } from "../../providers/outbound/OutboundHttp.ts"
import { envelopeOf, eventOf, type Incident, type Release } from "./event.ts"
import { pauseMs } from "./rateLimits.ts"

export interface ErrorTrackerSettings extends Release {
  readonly dsn: Redacted.Redacted<SentryDsn>
  /** For one attempt; 5 s unless told. */
  readonly timeoutMs?: number
}

/** More would wait for a tracker that is slow. */
const maxWaiting = 100
/** A server in distress fails the same way over and over; the first tell enough. */
const maxPerMinute = 60
const shutdownTimeout = "2 seconds"
/** Twice more, after about 1 and 2 seconds. */
const again = Schedule.exponential("1 second").pipe(Schedule.jittered, Schedule.upTo({ times: 2 }))

/** The tracker did not take an event. */
class Untaken extends Data.TaggedError("Untaken")<{ readonly message: string; readonly passing: boolean }> {}

/** Adds to the reporters of whatever runs on top of it. */
export const errorTrackerLayer = ({ dsn, timeoutMs = 5_000, ...release }: ErrorTrackerSettings): Layer.Layer<never, never, OutboundHttp> =>
  Layer.unwrap(Effect.gen(function* () {
    const outbound = yield* OutboundHttp
    const { host, publicKey, url } = Redacted.value(dsn)
    const queue = yield* Queue.dropping<Incident>(maxWaiting)
    const idle = yield* Latch.make(true)
    let silentUntilMs = 0
    let minute = 0
    let sentInMinute = 0
    let takes = true

    const notice = (now: boolean, reason = "") =>
      Effect.suspend(() => {
        if (now === takes) return Effect.void
        takes = now
        return now
          ? Effect.logInfo("The error tracker takes reports again")
          : Effect.logWarning(`The error tracker at ${host} does not take reports; they are dropped until it does. ${redactText(reason)}`)
      })

    const post = Effect.fnUntraced(function* (incident: Incident) {
      const nowMs = yield* Clock.currentTimeMillis
      const body = envelopeOf(incident.eventId, new Date(nowMs), eventOf(incident, release))
      const answer = yield* outbound.open(url, {
        method: "POST",
        headers: {
          "content-type": "application/x-sentry-envelope",
          "content-length": String(body.byteLength),
          "x-sentry-auth": `Sentry sentry_version=7, sentry_client=${release.release.replace("@", "/")}, sentry_key=${publicKey}`
        },
        body,
        timeoutMs,
        idleTimeoutMs: timeoutMs,
        maxRedirects: 0
      }).pipe(Effect.mapError(({ message }) => new Untaken({ message, passing: true })))
      silentUntilMs = Math.max(silentUntilMs, nowMs + pauseMs(answer.status, answer.headers, nowMs))
      if (answer.status >= 200 && answer.status < 300) return
      return yield* new Untaken({ message: `It answered with status ${answer.status}.`, passing: answer.status >= 500 && silentUntilMs <= nowMs })
    }, Effect.scoped)

    const send = Effect.fn("ErrorTracker.send")(function* (incident: Incident) {
      const nowMs = yield* Clock.currentTimeMillis
      const current = Math.floor(nowMs / 60_000)
      if (current !== minute) [minute, sentInMinute] = [current, 0]
      if (nowMs < silentUntilMs || sentInMinute >= maxPerMinute) return
      sentInMinute++
      yield* post(incident).pipe(
        Effect.retry({ schedule: again, while: ({ passing }) => passing }),
        Effect.andThen(notice(true)),
        Effect.catchTag("Untaken", ({ message }) => notice(false, message))
      )
    })

    const reporter = ErrorReporter.make(({ error, fiber, timestamp }) => {
      const incident: Incident = {
        eventId: uuidV7Unsafe().replaceAll("-", ""),
        at: new Date(Number(timestamp / 1_000_000n)),
        error,
        annotations: fiber.getRef(References.CurrentLogAnnotations),
        requestId: fiber.getRef(RequestId),
        span: fiber.cache.span
      }
      if (Queue.offerUnsafe(queue, incident)) idle.closeUnsafe()
    })

    yield* Effect.forkScoped(
      Queue.take(queue).pipe(
        Effect.flatMap(send),
        Effect.catchCause((cause) => Effect.logWarning("A report for the error tracker could not be made", cause)),
        Effect.andThen(Effect.sync(() => {
          if (Queue.sizeUnsafe(queue) === 0) idle.openUnsafe()
        })),
        Effect.forever
      )
    )
    // What was reported last is often why the process ends.
    yield* Effect.addFinalizer(() => Effect.timeoutOption(idle.await, shutdownTimeout))
    return ErrorReporter.layer([reporter], { mergeWithExisting: true })
  }))
