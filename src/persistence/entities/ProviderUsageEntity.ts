import { defineEntity, p } from "@mikro-orm/core"

/** What was used of a provider's budget in one window. */
export const ProviderUsageEntity = defineEntity({
  name: "ProviderUsage",
  tableName: "provider_usage",
  primaryKeys: ["provider", "metric", "windowStart"],
  properties: {
    provider: p.text().primary(),
    metric: p.text().primary(),
    windowStart: p.datetime(3).primary(),
    used: p.double()
  }
})
