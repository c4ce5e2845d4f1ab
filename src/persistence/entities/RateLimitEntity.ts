import { defineEntity, type InferEntity, p } from "@mikro-orm/core"

/** How much of a limit that all nodes share is used. A row whose time has come is as good as none. */
export const RateLimitEntity = defineEntity({
  name: "RateLimit",
  tableName: "rate_limit",
  properties: {
    /** Whose, and of which limit. */
    account: p.text().primary(),
    /** When all of it is there again. */
    fullAt: p.datetime(3)
  },
  indexes: [{ name: "rate_limit_full_index", properties: ["fullAt"] }]
})
export type RateLimitEntity = InferEntity<typeof RateLimitEntity>
