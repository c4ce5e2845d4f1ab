/**
 * The metrics of this process. What happens is counted where it happens, and parts that know their own state show it by
 * themselves (see domain/observe.ts); what has to be asked for, of the database or the disk, comes from sources.
 */
import { Cause, Clock, Context, Effect, Layer, Metric, Semaphore } from "effect"
import { metricFamily } from "../../domain/metricFamily.ts"
import { observeProcess } from "./processMetrics.ts"

/** A gauge, and what it shows now. */
export type Sample = readonly [gauge: Metric.Gauge<number>, value: number]

/** Something to ask whenever somebody looks. All its gauges vanish while it does not answer: an old figure is worse than none. */
export interface MetricSource {
  readonly name: string
  readonly read: Effect.Effect<ReadonlyArray<Sample>, unknown>
}

export interface MetricsSettings<R> {
  readonly version: string
  readonly sources: Effect.Effect<ReadonlyArray<MetricSource>, never, R>
  /** Whether metrics are sent to a collector besides being shown to whoever asks; not unless told. */
  readonly sent?: boolean
}

/** However many look, nothing is asked more often. */
const freshForMs = 1_000
const timeout = "3 seconds"
/** How often the sources are asked where nobody looks because metrics are sent. */
const sendingInterval = "10 seconds"

const build = metricFamily(["version", "node"], (attributes) => Metric.gauge("playhead_build_info", { description: "Always 1; its labels say what runs.", attributes }))
const answers = metricFamily(["source"], (attributes) =>
  Metric.gauge("playhead_metric_source_up", { description: "Whether what has to be asked for its figures has answered: 1 or 0.", attributes }))

export class Metrics extends Context.Service<Metrics, {
  /** Asks the sources, where that was not done just now, so that whoever reads the metrics then finds them up to date. Never fails. */
  readonly refresh: Effect.Effect<void>
  /** All metrics in the text format of Prometheus (version 0.0.4), up to date. */
  readonly exposition: Effect.Effect<string>
}>()("playhead/operations/metrics/Metrics") {
  /** A registry for one installation of Playhead in a process; whatever counts has to stand on it. */
  static readonly registry: Layer.Layer<never> = Layer.sync(Metric.MetricRegistry, () => new Map())

  static readonly layer = <R>(settings: MetricsSettings<R>) =>
    Layer.effect(
      Metrics,
      Effect.gen(function*() {
        const sources = yield* settings.sources
        const turn = yield* Semaphore.make(1)
        /** What each source showed last, to take away what it shows no longer. */
        const shown = new Map<string, ReadonlyArray<Metric.Gauge<number>>>()
        let askedAtMs = Number.NEGATIVE_INFINITY
        const failing = new Set<string>()

        const show = Effect.fnUntraced(function*(name: string, samples: ReadonlyArray<Sample>) {
          const now = new Set(samples.map(([gauge]) => gauge))
          yield* Effect.forEach((shown.get(name) ?? []).filter((gauge) => !now.has(gauge)), Metric.remove, { discard: true })
          yield* Effect.forEach(samples, ([gauge, value]) => Metric.update(gauge, value), { discard: true })
          shown.set(name, [...now])
        })
        const ask = ({ name, read }: MetricSource): Effect.Effect<void> =>
          read.pipe(
            Effect.timeout(timeout),
            Effect.flatMap((samples) => show(name, samples)),
            Effect.tap(() => {
              failing.delete(name)
              return Metric.update(answers(name), 1)
            }),
            Effect.catchCause((cause) =>
              Effect.gen(function*() {
                if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
                yield* show(name, [])
                yield* Metric.update(answers(name), 0)
                // Once for each failure, however often it is looked at.
                if (!failing.has(name)) yield* Effect.logWarning(`The figures of ${name} cannot be read`, cause)
                failing.add(name)
              })
            )
          )
        const refresh = turn.withPermits(1)(Effect.gen(function*() {
          const nowMs = yield* Clock.currentTimeMillis
          if (nowMs - askedAtMs < freshForMs) return
          yield* Effect.forEach(sources, ask, { concurrency: "unbounded", discard: true })
          askedAtMs = yield* Clock.currentTimeMillis
        }))

        yield* observeProcess
        yield* Metric.update(build(settings.version, process.version), 1)
        if (settings.sent === true) yield* Effect.forkScoped(Effect.forever(Effect.andThen(refresh, Effect.sleep(sendingInterval))))
        // What it brings with it would be a tenth of the start, and most starts are never asked.
        const format = yield* Effect.cached(Effect.map(Effect.promise(() => import("effect/observability/PrometheusMetrics")), (prometheus) => prometheus.format()))
        const context = yield* Effect.context<never>()
        return Metrics.of({
          refresh: Effect.provideContext(refresh, context),
          exposition: Effect.provideContext(Effect.andThen(refresh, Effect.flatten(format)), context)
        })
      })
    )
}
