/**
 * A ladder of ways to one result, best first. The first that works serves; each step down is told with its cause, and
 * below the lowest tier that is accepted there is none.
 */
import { Context, Effect, ExecutionPlan } from "effect"
import { decodeFailure, encodeFailure, type Failure } from "../domain/errorCatalog.ts"
import { QualityTier } from "../domain/Track.ts"

export interface Rung<A, R> {
  readonly tier: QualityTier
  /** What people call it. */
  readonly name: string
  readonly run: Effect.Effect<A, Failure, R>
}

export interface StepDown {
  readonly from: QualityTier
  readonly to: QualityTier
  readonly failure: Failure
}

export interface Ladder<A, R, R2> {
  /** Best first, each tier at most once. */
  readonly rungs: ReadonlyArray<Rung<A, R>>
  /** The tier to begin with; where it has no rung, the next one below. */
  readonly from: QualityTier
  /** The lowest tier that is accepted. */
  readonly minimumQuality: QualityTier
  readonly onStepDown: (step: StepDown) => Effect.Effect<void, never, R2>
}

/** 0 is best. */
export const tierRank = (tier: QualityTier): number => QualityTier.literals.indexOf(tier)

/** Which of the steps an attempt is. */
class Step extends Context.Service<Step, number>()("playhead/providers/ladder/Step") {}

/** A full disk or a damaged store is in every way's way: another would fail of it too, and look like a lesser result. */
const isOfThisWay = (failure: Failure): boolean => failure._tag !== "StorageError"

interface Tried {
  readonly tier: QualityTier
  readonly name: string
  readonly failure: Failure
}

/** The last failure, with all that was tried in its message. */
const exhausted = (last: Failure, tried: ReadonlyArray<Tried>, forbidden: ReadonlyArray<QualityTier>): Failure => {
  const list = tried.map(({ failure, name, tier }) => `${tier} (${name}): ${failure.message}`).join(" ")
  const barred = forbidden.length === 0 ? "" : ` minimumQuality forbids ${forbidden.join(" and ")}.`
  return decodeFailure({ ...encodeFailure(last), message: `${tried.length === 1 ? "The only way failed" : `All ${tried.length} ways failed`}. ${list}${barred}` })
}

/**
 * Fails when no rung is left: with the last rung's failure, whose message then lists everything that was tried. A failure
 * of the storage passes through as it is, because no other way would do better.
 */
export const climbDown = <A, R, R2>(ladder: Ladder<A, R, R2>): Effect.Effect<{ readonly value: A; readonly tier: QualityTier; readonly name: string }, Failure, R | R2> => {
  const isAccepted = (tier: QualityTier) => tierRank(tier) <= tierRank(ladder.minimumQuality)
  const below = ladder.rungs.filter(({ tier }) => tierRank(tier) >= Math.min(tierRank(ladder.from), tierRank(ladder.minimumQuality)))
  const steps = below.filter(({ tier }) => isAccepted(tier))
  const forbidden = below.filter(({ tier }) => !isAccepted(tier)).map(({ tier }) => tier)
  const tried: Array<Tried> = []

  const attempt = Effect.gen(function* () {
    const { name, run, tier } = steps[yield* Step] as Rung<A, R>
    const before = tried.at(-1)
    if (before !== undefined) yield* ladder.onStepDown({ from: before.tier, to: tier, failure: before.failure })
    const value = yield* Effect.tapError(run, (failure) => Effect.sync(() => tried.push({ tier, name, failure })))
    return { value, tier, name }
  })
  const [first, ...rest] = steps.map((_, index) => ({
    provide: Context.make(Step, index),
    // Asked of the failure before it.
    while: (failure: Failure) => isOfThisWay(failure)
  }))
  if (first === undefined) return Effect.die(new Error("a ladder without a rung that is accepted"))
  return attempt.pipe(
    Effect.withExecutionPlan(ExecutionPlan.make(first, ...rest)),
    Effect.mapError((failure) => isOfThisWay(failure) ? exhausted(failure, tried, forbidden) : failure)
  )
}
