import { defineEntity, p } from "@mikro-orm/core"

/** That a node cannot use something that all jobs stand on. A row that it has not written again for a while is as good as none. */
export const FailingStoreEntity = defineEntity({
  name: "FailingStore",
  tableName: "failing_store",
  properties: {
    node: p.text().primary(),
    /** Of the health check that fails. */
    name: p.text().primary(),
    failingSince: p.datetime(3),
    seenAt: p.datetime(3)
  }
})
