import { Effect } from "effect"
import { type CheckReport, Health, type HealthReport } from "../../operations/Health.ts"
import { read, watch } from "../bridge.ts"
import { builder } from "../builder.ts"
import { most } from "../limits.ts"

export const HealthStatusEnum = builder.enumType("HealthStatus", {
  description: "How well something works.",
  values: {
    HEALTHY: { description: "As it should." },
    DEGRADED: { description: "With restrictions." },
    UNHEALTHY: { description: "Not at all." }
  } as const
})

const HealthCheckRef = builder.objectRef<CheckReport>("HealthCheck").implement({
  description: "One thing that Playhead stands on.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "What was looked at, such as `database`." }),
    status: t.expose("status", { type: HealthStatusEnum, description: "How well it works." }),
    latencyMs: t.exposeFloat("latencyMs", { description: "How long the look took, in milliseconds." }),
    message: t.string({ nullable: true, description: "What is wrong, or what was found.", resolve: (check) => check.message })
  })
})

const HealthRef = builder.objectRef<HealthReport>("Health").implement({
  description: "Whether the server is in order.",
  fields: (t) => ({
    status: t.expose("status", { type: HealthStatusEnum, description: "As bad as the worst of the checks." }),
    checks: t.field({ type: [HealthCheckRef], extensions: { [most]: 20 }, description: "Everything that was looked at.", resolve: (health) => [...health.checks] }),
    version: t.exposeString("version", { description: "Of Playhead." }),
    uptimeSeconds: t.exposeFloat("uptimeSeconds", { description: "Since this process was started." })
  })
})

builder.queryField("health", (t) =>
  t.field({
    type: HealthRef,
    scope: "READ",
    description: "Whether the server is in order: every check is run anew.",
    resolve: (_, _args, context) => read(Effect.flatMap(Health, (health) => health.check), context)
  }))

builder.subscriptionField("healthChanged", (t) =>
  t.field({
    type: HealthRef,
    scope: "READ",
    description: "The health of this server, at once and whenever the status of a check changes.",
    subscribe: (_, _args, context) => watch(Effect.map(Health, (health) => health.changes), 0, context),
    resolve: (health) => health
  }))
