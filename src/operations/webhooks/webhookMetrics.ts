import { Effect, Metric } from "effect"
import { metricFamily } from "../../domain/metricFamily.ts"

const attemptResults = ["delivered", "retried", "given_up", "gone"] as const
export type AttemptResult = (typeof attemptResults)[number]

const attempts = metricFamily(["outcome"], (attributes) =>
  Metric.counter("playhead_webhook_attempts_total", {
    description: "Attempts of this node to hand a webhook over, by what came of them: retried ones will be tried again, gone means that the receiver wants nothing more.",
    incremental: true,
    attributes
  }))

export const countAttempt = (outcome: AttemptResult): Effect.Effect<void> => Metric.update(attempts(outcome), 1)

/** From nothing on, so that the first of each shows as an increase. */
export const showAttempts: Effect.Effect<void> = Effect.forEach(attemptResults, (outcome) => Metric.update(attempts(outcome), 0), { discard: true })
