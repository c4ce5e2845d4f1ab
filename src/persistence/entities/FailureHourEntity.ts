import { defineEntity, p } from "@mikro-orm/core"
import { failureSum } from "./failureSum.ts"

/** The same failures in one hour of UTC, written by the same statement: a report over a million of them reads a few thousand rows. */
export const FailureHourEntity = defineEntity({
  name: "FailureHour",
  tableName: "failure_hour",
  primaryKeys: ["hour", "code", "stage", "provider"],
  properties: { hour: p.datetime(3).primary(), ...failureSum }
})
