/**
 * How much one account may ask for. Requests are counted in the process: a limit on them protects its processor, and to
 * count each in the database would cost as much as answering it. Jobs are counted in the database, for all nodes together:
 * they fill the one queue that all share, and starting one writes there anyway.
 */
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { RateLimitedError } from "../domain/errors.ts"
import { everybody, type Viewer } from "../domain/Viewer.ts"
import { Database } from "../persistence/Database.ts"

export interface RateLimitSettings {
  /** 0 for no limit. */
  readonly requestsPerMinute: number
  /** 0 for no limit. */
  readonly jobsPerMinute: number
}

const minuteMs = 60_000

const tooMany = (what: string, limit: number, retryAfterMs: number) =>
  new RateLimitedError({ message: `More than ${limit} ${what} a minute. Wait ${Math.ceil(retryAfterMs / 1000)} s and try again.`, retryAfterMs: Math.ceil(retryAfterMs) })

/**
 * Takes one out of so many a minute, as the generic cell rate algorithm does it (ITU-T I.371): all that is kept is when
 * everything will be there again. Gives back how long to wait, 0 when it was there. By the database's clock, since those
 * of nodes differ.
 */
const takeShared = Effect.fnUntraced(function* (database: Database["Service"], account: string, perMinute: number) {
  const eachMs = minuteMs / perMinute
  const later = (from: string) => `${from} + $2::float8 * interval '1 millisecond'`
  return yield* database.transaction((tx) =>
    Effect.gen(function* () {
      const taken = yield* tx.query(
        `insert into rate_limit as used (account, full_at) values ($1, ${later("clock_timestamp()")})
         on conflict (account) do update set full_at = ${later("greatest(used.full_at, clock_timestamp())")}
         where ${later("greatest(used.full_at, clock_timestamp())")} <= clock_timestamp() + interval '1 minute'
         returning 1 as taken`,
        [account, eachMs]
      )
      if (taken.length > 0) return 0
      const [row] = yield* tx.query<{ wait: number }>(
        `select extract(epoch from ${later("full_at")} - interval '1 minute' - clock_timestamp())::float8 * 1000 as wait from rate_limit where account = $1`,
        [account, eachMs]
      )
      return Math.max(1, row?.wait ?? eachMs)
    })
  )
})

export class RateLimits extends Context.Service<RateLimits, {
  /** Before each request of a viewer. */
  readonly request: (viewer: Viewer) => Effect.Effect<void, RateLimitedError>
  /** Before each job that a viewer starts. */
  readonly job: (viewer: Viewer) => Effect.Effect<void, RateLimitedError>
}>()("playhead/access/RateLimits") {
  static readonly layer = ({ jobsPerMinute, requestsPerMinute }: RateLimitSettings): Layer.Layer<RateLimits, never, Database> =>
    Layer.effect(
      RateLimits,
      Effect.gen(function* () {
        const database = yield* Database
        const limiter = yield* RateLimiter.RateLimiter
        /** Where nobody is asked who they are, there is nobody to count. */
        const isCounted = (viewer: Viewer) => viewer !== everybody

        const request = Effect.fnUntraced(function* (viewer: Viewer) {
          if (requestsPerMinute === 0 || !isCounted(viewer)) return
          yield* limiter.consume({ algorithm: "token-bucket", onExceeded: "fail", window: "1 minute", limit: requestsPerMinute, key: viewer.name }).pipe(
            Effect.catch(({ reason }) =>
              // The store in memory cannot fail.
              reason._tag === "RateLimitExceeded" ? Effect.fail(tooMany("requests", requestsPerMinute, Math.max(1, Duration.toMillis(reason.retryAfter)))) : Effect.die(reason))
          )
        })

        const job = Effect.fn("RateLimits.job")(function* (viewer: Viewer) {
          if (jobsPerMinute === 0 || !isCounted(viewer)) return
          const waitMs = yield* takeShared(database, `jobs: ${viewer.name}`, jobsPerMinute)
          if (waitMs > 0) return yield* tooMany("jobs", jobsPerMinute, waitMs)
        })

        // Accounts that have used nothing lately.
        yield* database.transaction((tx) => tx.execute("delete from rate_limit where full_at < clock_timestamp()")).pipe(
          Effect.catchCause((cause) => Effect.logWarning("Rate limits could not be tidied up; trying again in an hour", cause)),
          Effect.repeat(Schedule.spaced("1 hour")),
          Effect.forkScoped
        )
        return RateLimits.of({ request, job })
      })
    ).pipe(Layer.provide(RateLimiter.layer), Layer.provide(RateLimiter.layerStoreMemory))
}
