import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Failure } from "../../../src/domain/errorCatalog.ts"
import { AudioProcessingError, NotConfiguredError, QualityThresholdError, StorageError, TimedOutError } from "../../../src/domain/errors.ts"
import type { QualityTier } from "../../../src/domain/Track.ts"
import { climbDown, type StepDown } from "../../../src/providers/ladder.ts"

const unset = new NotConfiguredError({ message: "No model is set.", settings: ["MODEL"] })
const poor = new QualityThresholdError({ message: "It was poor.", metric: "floorReductionDb", score: 1, threshold: 3 })
const broken = new AudioProcessingError({ message: "It broke." })

const scenario = (fates: { readonly [Tier in QualityTier]?: Failure | "works" }, from: QualityTier = "HIGH", minimumQuality: QualityTier = "BASIC") => {
  const runs: Array<QualityTier> = []
  const told: Array<StepDown> = []
  const rungs = (["HIGH", "MEDIUM", "BASIC"] as const).flatMap((tier) => {
    const fate = fates[tier]
    const run = Effect.suspend(() => {
      runs.push(tier)
      return fate === "works" || fate === undefined ? Effect.succeed(`made by ${tier}`) : Effect.fail(fate)
    })
    return fate === undefined ? [] : [{ tier, name: tier.toLowerCase(), run }]
  })
  const ladder = climbDown({ rungs, from, minimumQuality, onStepDown: (step) => Effect.sync(() => void told.push(step)) })
  return { ladder, runs, told }
}

describe("a ladder of ways", () => {
  it.effect("takes the first that works, and tries no other", () =>
    Effect.gen(function* () {
      const { ladder, runs, told } = scenario({ HIGH: "works", MEDIUM: "works", BASIC: "works" })
      expect(yield* ladder).toEqual({ value: "made by HIGH", tier: "HIGH", name: "high" })
      expect(runs).toEqual(["HIGH"])
      expect(told).toEqual([])
    }))

  it.effect("tells each step down with its cause, before the next way is tried", () =>
    Effect.gen(function* () {
      const { ladder, runs, told } = scenario({ HIGH: unset, MEDIUM: poor, BASIC: "works" })
      expect((yield* ladder).tier).toBe("BASIC")
      expect(runs).toEqual(["HIGH", "MEDIUM", "BASIC"])
      expect(told).toEqual([{ from: "HIGH", to: "MEDIUM", failure: unset }, { from: "MEDIUM", to: "BASIC", failure: poor }])
    }))

  it.effect("begins where it is told to", () =>
    Effect.gen(function* () {
      const { ladder, runs } = scenario({ HIGH: "works", MEDIUM: poor, BASIC: "works" }, "MEDIUM")
      expect((yield* ladder).tier).toBe("BASIC")
      expect(runs).toEqual(["MEDIUM", "BASIC"])
    }))

  it.effect("never goes below the lowest tier that is accepted, and begins above it if it has to", () =>
    Effect.gen(function* () {
      const { ladder, runs, told } = scenario({ HIGH: unset, MEDIUM: poor, BASIC: "works" }, "BASIC", "MEDIUM")
      const failure = yield* Effect.flip(ladder)
      expect(failure).toMatchObject({ _tag: "QualityThresholdError", metric: "floorReductionDb" })
      expect(failure.message).toContain("minimumQuality forbids BASIC")
      expect(runs).toEqual(["MEDIUM"])
      expect(told).toEqual([])
    }))

  it.effect("fails with one error that lists what was tried, of the last one's kind", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(scenario({ HIGH: unset, MEDIUM: poor, BASIC: broken }).ladder)
      expect(failure).toBeInstanceOf(AudioProcessingError)
      expect(failure.message).toBe("All 3 ways failed. HIGH (high): No model is set. MEDIUM (medium): It was poor. BASIC (basic): It broke.")
    }))

  it.effect("leaves a full disk to be tried again, instead of making do with less", () =>
    Effect.gen(function* () {
      const full = new StorageError({ message: "The disk is full." })
      const { ladder, runs, told } = scenario({ HIGH: full, MEDIUM: "works", BASIC: "works" })
      expect(yield* Effect.flip(ladder)).toBe(full)
      expect(runs).toEqual(["HIGH"])
      expect(told).toEqual([])
      const later = scenario({ HIGH: new TimedOutError({ message: "Too slow.", timeoutMs: 1 }), MEDIUM: full, BASIC: "works" })
      expect(yield* Effect.flip(later.ladder)).toBe(full)
      expect(later.runs).toEqual(["HIGH", "MEDIUM"])
    }))
})
