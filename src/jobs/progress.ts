/** A stage's progress on its way from a tight loop to the database: only the newest figure counts, twice a second. */
import { Effect } from "effect"

export const progressIntervalMs = 500

export interface ProgressMeter {
  /** 0 to 1; callable from anywhere, costs an assignment. */
  readonly report: (fraction: number) => void
  /** Never ends: records what is newest, at most twice a second, and only what is ahead of the last record. */
  readonly record: (write: (fraction: number) => Effect.Effect<void>) => Effect.Effect<never>
}

export const makeProgressMeter = (): ProgressMeter => {
  let newest = 0
  let recorded = 0
  return {
    report: (fraction) => {
      newest = Math.max(newest, Math.min(1, fraction))
    },
    record: (write) =>
      Effect.sleep(progressIntervalMs).pipe(
        Effect.andThen(Effect.suspend(() => {
          if (newest <= recorded) return Effect.void
          recorded = newest
          return write(newest)
        })),
        Effect.forever
      )
  }
}
