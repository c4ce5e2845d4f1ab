import { Effect, Metric } from "effect"
import { metricFamily } from "../../domain/metricFamily.ts"

export type AttemptResult = "delivered" | "retried" | "given_up" | "gone"

const attempts = metricFamily(["outcome"], (attributes) =>
  Metric.counter("playhead_webhook_attempts_total", {
    description: "Attempts of this node to hand a webhook over, by what came of them: retried ones will be tried again, gone means that the receiver wants nothing more.",
    incremental: true,
    attributes
  }))

export const countAttempt = (outcome: AttemptResult): Effect.Effect<void> => Metric.update(attempts(outcome), 1)
