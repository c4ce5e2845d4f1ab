import { Effect } from "effect"
import { BudgetMetric, ProviderName } from "../../domain/Provider.ts"
import type { HealthStatus } from "../../operations/Health.ts"
import { type ProviderRecord, Providers } from "../../operations/providers/Providers.ts"
import { read } from "../bridge.ts"
import { builder } from "../builder.ts"
import { CapabilityEnum, CircuitStateEnum, QualityTierEnum } from "../enums.ts"
import { ErrorInterface, failureValue } from "../errors/ErrorInterface.ts"
import { most } from "../limits.ts"
import { HealthStatusEnum } from "./health.ts"

const BudgetRef = builder.objectRef<ProviderRecord["budgets"][number]>("Budget").implement({
  description: "How much of a provider may be used in each window of time, by all nodes together.",
  fields: (t) => ({
    metric: t.exposeString("metric", { description: "What is counted: `requests`, `tokens` or `audio_seconds`." }),
    limit: t.exposeFloat("limit", { description: "The most in a window." }),
    used: t.exposeFloat("used", { description: "In the present window." }),
    windowSeconds: t.exposeInt("windowSeconds", { description: "How long a window is, in seconds." }),
    resetsAt: t.expose("resetsAt", { type: "DateTime", nullable: true, description: "When the next window begins." })
  })
})

/** One that is not configured has nothing to be ill of. */
const statusOf = ({ circuit, configured }: ProviderRecord): HealthStatus => {
  if (!configured || circuit === "CLOSED") return "HEALTHY"
  return circuit === "OPEN" ? "UNHEALTHY" : "DEGRADED"
}

const ProviderRef = builder.objectRef<ProviderRecord>("Provider").implement({
  description: "Who does work for this server: an outside service, or a program or model on its machine.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "As in logs and metrics." }),
    capability: t.expose("capability", { type: CapabilityEnum, description: "What it is good for." }),
    configured: t.exposeBoolean("configured", { description: "Whether what it needs is there: an address, a key, a model, a program." }),
    tier: t.expose("tier", { type: QualityTierEnum, nullable: true, description: "Its place among those of the same capability; null where there is no other." }),
    circuit: t.expose("circuit", { type: CircuitStateEnum, description: "Whether calls are made to it." }),
    status: t.field({ type: HealthStatusEnum, description: "How well it works, as its last calls show.", resolve: statusOf }),
    latencyMs: t.exposeFloat("latencyMs", { nullable: true, description: "How long its last call took that succeeded, in milliseconds, on this node." }),
    lastFailure: t.field({ type: ErrorInterface, nullable: true, description: "How a call to it failed last, on this node.", resolve: ({ lastFailure }) => (lastFailure === undefined ? null : failureValue(lastFailure)) }),
    budgets: t.field({ type: [BudgetRef], extensions: { [most]: BudgetMetric.literals.length }, description: "How much of it may be used.", resolve: ({ budgets }) => [...budgets] })
  })
})

builder.queryField("providers", (t) =>
  t.field({
    type: [ProviderRef],
    extensions: { [most]: ProviderName.literals.length },
    scope: "READ",
    description: "Who does work for this server, and how well.",
    resolve: async (_, _args, context) => [...await read(Effect.flatMap(Providers, (providers) => providers.list), context)]
  }))
