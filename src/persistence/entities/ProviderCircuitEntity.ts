import { defineEntity, p } from "@mikro-orm/core"

/** A circuit that has been open: what the nodes tell each other of it. */
export const ProviderCircuitEntity = defineEntity({
  name: "ProviderCircuit",
  tableName: "provider_circuit",
  properties: {
    provider: p.text().primary(),
    /** The first time since it was last closed. */
    openedAt: p.datetime(3),
    openUntil: p.datetime(3),
    /** Null while it is open, or was and nobody has found the provider well since. */
    closedAt: p.datetime(3).nullable()
  }
})
