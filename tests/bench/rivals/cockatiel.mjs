import { circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleAll, retry, timeout, TimeoutStrategy, wrap } from "cockatiel"

/** As the guard: a time limit inside, further tries, a breaker. */
export const makePolicy = () =>
  wrap(
    circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) }),
    retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    timeout(10_000, TimeoutStrategy.Cooperative)
  )
