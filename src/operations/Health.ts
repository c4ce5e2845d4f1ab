/** Whether everything that Playhead stands on is in order. */
import { Cause, Clock, Context, Duration, Effect, Layer, Metric } from "effect"
import type { Feed, FeedListener } from "../domain/Feed.ts"
import { metricFamily } from "../domain/metricFamily.ts"

export type HealthStatus = "HEALTHY" | "DEGRADED" | "UNHEALTHY"

export interface CheckResult {
  readonly status: HealthStatus
  /** What is wrong, or what was found. */
  readonly message?: string | undefined
}

/** One thing to look at. It fails or dies where the thing does not work at all. */
export interface NamedCheck {
  readonly name: string
  readonly run: Effect.Effect<CheckResult, unknown>
}

export interface CheckReport extends CheckResult {
  readonly name: string
  readonly latencyMs: number
}

export interface HealthReport {
  /** As bad as the worst of the checks. */
  readonly status: HealthStatus
  readonly checks: ReadonlyArray<CheckReport>
  readonly version: string
  readonly uptimeSeconds: number
}

const timeout = "3 seconds"
/** How often is looked although nobody asks: whoever watches hears of a change so soon. */
const interval = "5 seconds"
const severity: ReadonlyArray<HealthStatus> = ["HEALTHY", "DEGRADED", "UNHEALTHY"]

const level = metricFamily(["check"], (attributes) =>
  Metric.gauge("playhead_health_check_level", { description: "How bad a health check found things: 0 healthy, 1 degraded, 2 unhealthy.", attributes }))

/** A check's report, and why it could not be made. */
const perform = (check: NamedCheck): Effect.Effect<{ readonly report: CheckReport; readonly cause?: Cause.Cause<unknown> }> =>
  check.run.pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.succeed<CheckResult>({ status: "UNHEALTHY", message: `gave no answer within ${timeout}` }) }),
    Effect.map((result) => ({ result })),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.succeed({ result: { status: "UNHEALTHY", message: "does not work; the log has the reason" } satisfies CheckResult, cause })
    ),
    Effect.timed,
    Effect.map(([elapsed, { result, ...why }]) => ({ report: { ...result, name: check.name, latencyMs: Duration.toMillis(elapsed) }, ...why }))
  )

export class Health extends Context.Service<Health, {
  /** All checks, side by side. */
  readonly check: Effect.Effect<HealthReport>
  /** The report as it stands behind position 0, and again whenever the status of a check has changed. */
  readonly changes: Feed<HealthReport>
}>()("playhead/operations/Health") {
  static readonly layer = <R>(settings: { readonly version: string; readonly checks: Effect.Effect<ReadonlyArray<NamedCheck>, never, R> }) =>
    Layer.effect(
      Health,
      Effect.gen(function* () {
        const startedAtMs = yield* Clock.currentTimeMillis
        const checks = yield* settings.checks
        const listeners = new Set<FeedListener<HealthReport>>()
        let revision = 0
        let last: HealthReport | undefined

        const entries = (report: HealthReport) => [{ position: revision, value: report, subject: "health", last: false }]
        const statuses = (report: HealthReport | undefined) => new Map(report?.checks.map(({ name, status }) => [name, status]))

        /** One line in the log for each change, however often it is looked at; what is in order from the start needs none. */
        const note = Effect.fnUntraced(function* (report: HealthReport, causes: ReadonlyMap<string, Cause.Cause<unknown>>) {
          const before = statuses(last)
          const changed = report.checks.filter(({ name, status }) => before.get(name) !== status)
          last = report
          if (changed.length === 0) return
          revision += 1
          for (const { onEntries } of listeners) onEntries(entries(report))
          for (const { message, name, status } of changed) {
            yield* Metric.update(level(name), severity.indexOf(status))
            if (status === "HEALTHY" && before.get(name) === undefined) continue
            yield* status === "HEALTHY"
              ? Effect.logInfo(`${name} is in order again`)
              : Effect.logWarning(`${name} is ${status}: ${message ?? "no reason given"}`, causes.get(name) ?? Cause.empty)
          }
        })

        const check = Effect.gen(function* () {
          const found = yield* Effect.forEach(checks, perform, { concurrency: "unbounded" })
          const worst = Math.max(...found.map(({ report }) => severity.indexOf(report.status)), 0)
          const report: HealthReport = {
            status: severity[worst] ?? "UNHEALTHY",
            checks: found.map((each) => each.report),
            version: settings.version,
            uptimeSeconds: ((yield* Clock.currentTimeMillis) - startedAtMs) / 1000
          }
          yield* note(report, new Map(found.flatMap(({ cause, report: { name } }) => (cause === undefined ? [] : [[name, cause]]))))
          return report
        }).pipe(Effect.withSpan("Health.check"))

        yield* Effect.forkScoped(Effect.forever(Effect.delay(check, interval)))
        return Health.of({
          check,
          changes: {
            name: "health",
            newest: () => revision,
            ended: () => undefined,
            listen: (listener) => {
              listeners.add(listener)
              return () => listeners.delete(listener)
            },
            stored: (after) => Effect.map(last === undefined ? check : Effect.sync(() => last), (report) => ({
              entries: report === undefined || after >= revision ? [] : entries(report),
              until: revision
            }))
          }
        })
      })
    )
}
