import { ProviderError } from "../../domain/errors.ts"
import type { ProviderName } from "../../domain/Provider.ts"

/**
 * The failure of a call that was not made, because the circuit is open. It bears no stack: that would say where the guard
 * is, no more, and gathering it took four fifths of the time of a refusal.
 */
export const refusal = (provider: ProviderName, failuresToOpen: number, retryAfterMs: number): ProviderError => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new ProviderError({
    message: `${provider} has failed ${failuresToOpen} times in a row and is left alone for a while.`,
    provider,
    reason: "CIRCUIT_OPEN",
    retryAfterMs
  })
  Error.stackTraceLimit = stackTraceLimit
  return error
}
