import { Context, type Effect } from "effect"
import type { Budget } from "../../domain/Provider.ts"

export interface BudgetUse {
  readonly used: number
  /** Whether what was asked for fitted, and is counted in `used`. */
  readonly granted: boolean
  readonly resetsAt: Date
}

/** What was used of each budget, kept over restarts and shared by all nodes. */
export class BudgetStore extends Context.Service<BudgetStore, {
  /** Takes so much of the present window, or nothing where it does not fit. */
  readonly reserve: (budget: Budget, amount: number) => Effect.Effect<BudgetUse>
  /** Counts what turned out to be more, or less, than was reserved. */
  readonly adjust: (budget: Budget, difference: number) => Effect.Effect<void>
  readonly used: (budget: Budget) => Effect.Effect<BudgetUse>
}>()("playhead/providers/BudgetStore") {}
