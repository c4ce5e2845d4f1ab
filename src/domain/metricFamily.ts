import type { Metric } from "effect"

/**
 * Metrics of one name, told apart by labels: each is made when first asked for. Every combination is a time series for
 * good, so labels take their values from small closed sets, never from what clients send. Effect takes labels called
 * `unit` and `time_unit` for what a metric is measured in, and shows no such label.
 */
export const metricFamily = <const Labels extends ReadonlyArray<string>, M>(labels: Labels, make: (attributes: Metric.Metric.AttributeSet) => M) => {
  const known = new Map<string, M>()
  return (...values: { readonly [Label in keyof Labels]: string }): M => {
    const key = values.join("\n")
    const before = known.get(key)
    if (before !== undefined) return before
    const metric = make(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""])))
    known.set(key, metric)
    return metric
  }
}
