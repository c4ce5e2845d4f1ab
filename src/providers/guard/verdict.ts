import { type Cause, Exit } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type { Failure } from "../../domain/errorCatalog.ts"
import { isFailure } from "../../domain/errorCatalog.ts"

const retryAfterMs = (failure: Failure): number | undefined => ("retryAfterMs" in failure ? failure.retryAfterMs ?? undefined : undefined)

/** Whether the failure says something against the provider, rather than against what was asked of it. */
const isProviders = (failure: Failure): boolean => failure.retryable || (failure._tag === "ProviderError" && failure.reason !== "REJECTED")

/**
 * What a call's outcome says of its provider. Whoever refuses a request (4xx) or finds the audio unusable is at work; an
 * interruption says nothing; what died unexpectedly counts against it.
 */
export const verdict = <A, E>(exit: Exit.Exit<A, E>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const failure = failureOf(exit.cause)
  if (failure === undefined) return CircuitBreaker.failure()
  if (!isProviders(failure)) return CircuitBreaker.success
  return CircuitBreaker.failure({ retryAfter: retryAfterMs(failure) })
}

export const failureOf = (cause: Cause.Cause<unknown>): Failure | undefined => {
  const reason = cause.reasons.find(({ _tag }) => _tag === "Fail")
  return reason?._tag === "Fail" && isFailure(reason.error) ? reason.error : undefined
}

/** How long to wait before the next try, by the failure's own kind; undefined when another try is of no use. */
export const pauseMs = (failure: Failure, tries: number, jitter: number, policy: { readonly tries: number; readonly firstPauseMs: number; readonly longestPauseMs: number }): number | undefined => {
  if (!failure.retryable || failure._tag === "BudgetExceededError" || tries >= policy.tries) return undefined
  const asked = retryAfterMs(failure) ?? 0
  if (asked > policy.longestPauseMs) return undefined
  return Math.max(asked, Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (tries - 1)) * (1 - jitter / 2))
}
