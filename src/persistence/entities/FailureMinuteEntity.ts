import { defineEntity, p } from "@mikro-orm/core"
import { failureSum } from "./failureSum.ts"

/** The failures of one kind in one minute, summed up: where a report begins within an hour it reads these. */
export const FailureMinuteEntity = defineEntity({
  name: "FailureMinute",
  tableName: "failure_minute",
  primaryKeys: ["minute", "code", "stage", "provider"],
  properties: { minute: p.datetime(3).primary(), ...failureSum }
})
