/** Who does work for Playhead, as operators are shown it. */
import { Context, Effect, Layer } from "effect"
import type { Failure } from "../../domain/errorCatalog.ts"
import type { Budget, Capability, ProviderName } from "../../domain/Provider.ts"
import type { QualityTier } from "../../domain/Track.ts"
import { Guard } from "../../providers/guard/Guard.ts"

export interface ProviderRecord {
  readonly name: ProviderName
  readonly capability: Capability
  readonly configured: boolean
  readonly tier: QualityTier | null
  readonly circuit: "CLOSED" | "OPEN" | "HALF_OPEN"
  readonly latencyMs: number | undefined
  readonly lastFailure: Failure | undefined
  readonly budgets: ReadonlyArray<Budget & { readonly used: number; readonly resetsAt: Date }>
}

export class Providers extends Context.Service<Providers, {
  readonly list: Effect.Effect<ReadonlyArray<ProviderRecord>>
}>()("playhead/operations/Providers") {
  static readonly layer = Layer.effect(
    Providers,
    Effect.map(Guard, (guard) =>
      Providers.of({
        list: Effect.map(guard.providers, (providers) => providers.map(({ policy, ...state }) => ({ ...state, capability: policy.capability, tier: policy.tier })))
      }))
  )
}
