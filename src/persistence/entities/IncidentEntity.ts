import { defineEntity, p } from "@mikro-orm/core"

/** Something that an operator should know of, from when it was noticed until it was over. */
export const IncidentEntity = defineEntity({
  name: "Incident",
  tableName: "incident",
  properties: {
    id: p.uuid().primary(),
    /** What it is about; only one is open of each. */
    subject: p.text(),
    cause: p.text(),
    provider: p.text().nullable(),
    openedAt: p.datetime(3),
    resolvedAt: p.datetime(3).nullable(),
    errorCount: p.integer(),
    changedAt: p.datetime(3)
  },
  uniques: [{ name: "incident_open_unique", properties: ["subject"], where: "resolved_at is null" }],
  indexes: [{ name: "incident_opened_index", properties: ["openedAt"] }]
})
