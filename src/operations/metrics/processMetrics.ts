/** What is shown of the process itself, under the names that other Node.js programs use for it. */
import { monitorEventLoopDelay, performance, type EventLoopUtilization } from "node:perf_hooks"
import { Clock, Effect, Metric, type Scope } from "effect"
import { observeCounter, observeGauge } from "../../domain/observe.ts"

/** Event loop figures are of the last whole window, so that it does not matter who looks how often. */
const window = "10 seconds"
const resolutionMs = 20

const cpu = Metric.counter("process_cpu_seconds_total", { description: "Processor time that the process has used.", incremental: true })
const memory = Metric.gauge("process_resident_memory_bytes", { description: "Memory that the process holds." })
const heap = Metric.gauge("nodejs_heap_size_used_bytes", { description: "Memory that JavaScript values take." })
const startTime = Metric.gauge("process_start_time_seconds", { description: "When the process began, since 1970." })
const lag = (name: string, description: string) => Metric.gauge(`nodejs_eventloop_lag_${name}_seconds`, { description })
const lagMedian = lag("p50", "How late the event loop turned, in the median of the last ten seconds.")
const lagP99 = lag("p99", "How late the event loop turned at most, but for one turn in a hundred, in the last ten seconds.")
const lagMax = lag("max", "How late the event loop turned at worst in the last ten seconds.")
const utilization = Metric.gauge("nodejs_eventloop_utilization_ratio", { description: "The share of the last ten seconds in which the event loop was busy." })

/** Lasts as long as the scope. */
export const observeProcess: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function*() {
  const startedAtSeconds = (yield* Clock.currentTimeMillis) / 1_000 - process.uptime()
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1_000)
  const delays = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  let last = { p50: 0, p99: 0, max: 0, utilization: 0 }
  let mark: EventLoopUtilization = performance.eventLoopUtilization()
  const turn = Effect.sync(() => {
    const now = performance.eventLoopUtilization()
    // An empty histogram has no percentiles.
    const known = delays.count > 0
    last = {
      p50: known ? seconds(delays.percentile(50)) : 0,
      p99: known ? seconds(delays.percentile(99)) : 0,
      max: known ? seconds(delays.max) : 0,
      utilization: performance.eventLoopUtilization(now, mark).utilization
    }
    mark = now
    delays.reset()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(turn, window)))
  yield* observeCounter(cpu, () => {
    const { system, user } = process.cpuUsage()
    return (user + system) / 1e6
  })
  yield* observeGauge(memory, () => process.memoryUsage.rss())
  yield* observeGauge(heap, () => process.memoryUsage().heapUsed)
  yield* observeGauge(startTime, () => startedAtSeconds)
  yield* observeGauge(lagMedian, () => last.p50)
  yield* observeGauge(lagP99, () => last.p99)
  yield* observeGauge(lagMax, () => last.max)
  yield* observeGauge(utilization, () => last.utilization)
})
