/**
 * The one way to call a provider, outside or on this machine: within its budget, not while its circuit is open, with a
 * time limit on each try and further tries where the failure says that they may help.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, Layer, Random } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type { Failure } from "../../domain/errorCatalog.ts"
import { BudgetExceededError, ProviderError } from "../../domain/errors.ts"
import { FailureObserver } from "../../domain/failureObserver.ts"
import { type Budget, type BudgetMetric, ProviderName } from "../../domain/Provider.ts"
import { type CircuitState, countCall, observeProvider } from "../providerMetrics.ts"
import { BudgetStore, type BudgetUse } from "./BudgetStore.ts"
import { type ProviderPolicy, providerPolicies } from "./ProviderPolicy.ts"
import { refusal } from "./refusal.ts"
import { failureOf, pauseMs, verdict } from "./verdict.ts"

/** What a call is expected to use, besides one request. */
export type Cost = { readonly [M in Exclude<BudgetMetric, "requests">]?: number }

export interface ProviderState {
  readonly name: ProviderName
  readonly policy: ProviderPolicy
  /** Whether what it needs is there: a key, a model, a program. */
  readonly configured: boolean
  readonly circuit: CircuitState
  /** Of the last call that succeeded. */
  readonly latencyMs: number | undefined
  readonly lastFailure: Failure | undefined
  readonly budgets: ReadonlyArray<Budget & BudgetUse>
}

interface Memory {
  circuit: CircuitState
  /** Until then no call is made, as the circuit is known to be open. */
  openUntilMs: number
  latencyMs: number | undefined
  lastFailure: Failure | undefined
  readonly used: Map<BudgetMetric, number>
}

const stateNames = { Closed: "CLOSED", Open: "OPEN", HalfOpen: "HALF_OPEN" } as const

export class Guard extends Context.Service<Guard, {
  /** Makes a call by the provider's policy. A typed failure of the call's own passes through. */
  readonly call: <A, E extends Failure, R>(provider: ProviderName, effect: Effect.Effect<A, E, R>, cost?: Cost) => Effect.Effect<A, E | ProviderError | BudgetExceededError, R>
  readonly providers: Effect.Effect<ReadonlyArray<ProviderState>>
}>()("playhead/providers/Guard") {
  static readonly layer = (settings: {
    readonly configured: ReadonlySet<ProviderName>
    readonly budgets: ReadonlyArray<Budget>
    /** What is to be otherwise than the policies say; for tests. */
    readonly policies?: Partial<Record<ProviderName, Partial<ProviderPolicy>>>
  }) =>
    Layer.effect(
      Guard,
      Effect.gen(function* () {
        const store = yield* BudgetStore
        const observer = yield* FailureObserver

        const guardOf = Effect.fnUntraced(function* (name: ProviderName) {
          const policy: ProviderPolicy = { ...providerPolicies[name], ...settings.policies?.[name] }
          const budgets = settings.budgets.filter(({ provider }) => provider === name)
          const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(policy.failuresToOpen), openDuration: policy.openForMs })
          const memory: Memory = { circuit: "CLOSED", openUntilMs: 0, latencyMs: undefined, lastFailure: undefined, used: new Map() }
          yield* observeProvider({
            provider: name,
            circuit: () => memory.circuit,
            budgets: budgets.map(({ limit, metric }) => ({ metric, used: () => memory.used.get(metric) ?? 0, limit: () => limit }))
          })

          const look = Effect.gen(function* () {
            const state = yield* breaker.state(name)
            const remainingMs = state._tag === "Open" ? Duration.toMillis(state.retryAfter) : 0
            memory.openUntilMs = remainingMs === 0 ? 0 : (yield* Clock.currentTimeMillis) + remainingMs
            // One whose time is over lets the next call through.
            memory.circuit = state._tag === "Open" && remainingMs === 0 ? "HALF_OPEN" : stateNames[state._tag]
            return memory.circuit
          }).pipe(
            // A store that fails tells nothing new.
            Effect.catch(() => Effect.succeed(memory.circuit))
          )

          const reserve = Effect.fnUntraced(function* (budget: Budget, amount: number) {
            const { granted, resetsAt, used } = yield* store.reserve(budget, amount)
            memory.used.set(budget.metric, used)
            if (granted) return
            yield* countCall(name, "refused", Duration.zero)
            return yield* new BudgetExceededError({
              message: `The budget of ${budget.limit} ${budget.metric} for ${name} has no room for ${amount} more until ${resetsAt.toISOString()}.`,
              metric: `${name}.${budget.metric}`,
              limit: budget.limit,
              current: used,
              requested: amount,
              windowSeconds: budget.windowSeconds
            })
          })
          const withinBudgets = Effect.fnUntraced(function* (cost: Cost) {
            const taken: Array<readonly [Budget, number]> = []
            for (const budget of budgets) {
              const amount = budget.metric === "requests" ? 1 : cost[budget.metric] ?? 0
              // A refused call has used nothing.
              yield* Effect.onError(reserve(budget, amount), () => Effect.forEach(taken, ([other, more]) => store.adjust(other, -more), { discard: true }))
              taken.push([budget, amount])
            }
          })

          const tooLong = () => Effect.fail(new ProviderError({ message: `${name} did not answer within ${Duration.format(Duration.millis(policy.timeoutMs))}.`, provider: name, reason: "TIMED_OUT", retryAfterMs: null }))

          /** Each try with its time limit; told of, and followed by another where its failure says so. */
          const tries = <A, E extends Failure, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | ProviderError, R> =>
            Effect.gen(function* () {
              const clock = yield* Clock.Clock
              const begunAt = clock.currentTimeMillisUnsafe()
              const once = Effect.timeoutOrElse(effect, { duration: policy.timeoutMs, orElse: tooLong })
              const failed: Array<Failure> = []
              for (let count = 1; ; count++) {
                const triedAt = clock.currentTimeMillisUnsafe()
                const exit = yield* Effect.exit(once)
                const now = clock.currentTimeMillisUnsafe()
                const elapsed = Duration.millis(now - triedAt)
                if (Exit.isSuccess(exit)) {
                  memory.latencyMs = now - triedAt
                  for (const { code } of failed) {
                    observer.failed({ code, stage: null, provider: name, jobId: null, handled: true })
                    observer.recovered({ code, stage: null, provider: name, count: 1, afterMs: now - begunAt })
                  }
                  yield* countCall(name, "succeeded", elapsed)
                  return exit.value
                }
                if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
                const failure = failureOf(exit.cause)
                memory.lastFailure = failure ?? memory.lastFailure
                const pause = failure === undefined ? undefined : pauseMs(failure, count, yield* Random.next, policy)
                yield* countCall(name, pause === undefined ? "failed" : "retried", elapsed)
                // A call that fails in the end is one failure, and the caller's to tell of.
                if (failure === undefined || pause === undefined) return yield* Effect.failCause(exit.cause)
                failed.push(failure)
                yield* Effect.sleep(pause)
              }
            })

          const refuse = (retryAfterMs: number) =>
            Effect.andThen(countCall(name, "refused", Duration.zero), Effect.fail(refusal(name, policy.failuresToOpen, retryAfterMs)))
          const throughBreaker = <A, E extends Failure, R>(effect: Effect.Effect<A, E, R>) =>
            tries(effect).pipe(
              breaker.execute({ key: name, classify: verdict }),
              Effect.onExit((exit) => (Exit.isSuccess(exit) && memory.circuit === "CLOSED" ? Effect.void : look)),
              Effect.catchIf(
                (error) => error instanceof CircuitBreaker.CircuitBreakerError,
                ({ reason }) => refuse(reason._tag === "CircuitOpen" ? Math.ceil(Duration.toMillis(reason.retryAfter)) : 1000)
              )
            )

          const call = <A, E extends Failure, R>(effect: Effect.Effect<A, E, R>, cost: Cost) =>
            Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | ProviderError | BudgetExceededError, R> => {
              if (memory.openUntilMs > now) return refuse(memory.openUntilMs - now)
              const guarded = throughBreaker(effect)
              return (budgets.length === 0 ? guarded : Effect.andThen(withinBudgets(cost), guarded)).pipe(
                Effect.withSpan("provider.call", { attributes: { "playhead.provider": name } }, { captureStackTrace: false })
              )
            })
          const state = Effect.gen(function* () {
            const circuit = yield* look
            const uses = yield* Effect.forEach(budgets, (budget) => Effect.map(store.used(budget), (use) => ({ ...budget, ...use })))
            const { lastFailure, latencyMs } = memory
            return { name, policy, configured: settings.configured.has(name), circuit, latencyMs, lastFailure, budgets: uses } satisfies ProviderState
          })
          return { name, call, state }
        })

        const guards = new Map((yield* Effect.forEach(ProviderName.literals, guardOf)).map((guard) => [guard.name, guard]))

        return Guard.of({
          call: (provider, effect, cost = {}) => guards.get(provider)?.call(effect, cost) ?? Effect.die(new Error(`${provider} has no guard`)),
          providers: Effect.suspend(() => Effect.forEach([...guards.values()], ({ state }) => state))
        })
      })
    )
}
