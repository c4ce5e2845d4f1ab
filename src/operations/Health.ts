/** Whether everything that Playhead stands on is in order. */
import { Clock, Context, Duration, Effect, Layer } from "effect"

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
const severity: ReadonlyArray<HealthStatus> = ["HEALTHY", "DEGRADED", "UNHEALTHY"]

const perform = (check: NamedCheck): Effect.Effect<CheckReport> =>
  check.run.pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.succeed<CheckResult>({ status: "UNHEALTHY", message: `gave no answer within ${timeout}` }) }),
    Effect.catchCause((cause) => Effect.as(Effect.logWarning(`The health check of ${check.name} failed`, cause), { status: "UNHEALTHY", message: "does not work; the log has the reason" } satisfies CheckResult)),
    Effect.timed,
    Effect.map(([elapsed, result]) => ({ ...result, name: check.name, latencyMs: Duration.toMillis(elapsed) }))
  )

export class Health extends Context.Service<Health, {
  /** All checks, side by side. */
  readonly check: Effect.Effect<HealthReport>
}>()("playhead/operations/Health") {
  static readonly layer = <R>(settings: { readonly version: string; readonly checks: Effect.Effect<ReadonlyArray<NamedCheck>, never, R> }) =>
    Layer.effect(
      Health,
      Effect.gen(function* () {
        const startedAtMs = yield* Clock.currentTimeMillis
        const checks = yield* settings.checks
        return Health.of({
          check: Effect.gen(function* () {
            const reports = yield* Effect.forEach(checks, perform, { concurrency: "unbounded" })
            const worst = Math.max(...reports.map((report) => severity.indexOf(report.status)), 0)
            return {
              status: severity[worst] ?? "UNHEALTHY",
              checks: reports,
              version: settings.version,
              uptimeSeconds: ((yield* Clock.currentTimeMillis) - startedAtMs) / 1000
            }
          }).pipe(Effect.withSpan("Health.check"))
        })
      })
    )
}
