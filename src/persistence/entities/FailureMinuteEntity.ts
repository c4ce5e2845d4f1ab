import { defineEntity, p } from "@mikro-orm/core"

/** The failures of one kind in one minute, summed up: a report over a million of them reads a few thousand rows. */
export const FailureMinuteEntity = defineEntity({
  name: "FailureMinute",
  tableName: "failure_minute",
  primaryKeys: ["minute", "code", "stage", "provider"],
  properties: {
    minute: p.datetime(3).primary(),
    code: p.text().primary(),
    /** Empty where there is none. */
    stage: p.text().primary(),
    /** Empty where there is none. */
    provider: p.text().primary(),
    count: p.integer(),
    /** Those that nobody had thought of. */
    unhandled: p.integer(),
    recovered: p.integer(),
    /** From failure to recovery, summed over those that recovered. */
    recoveryMs: p.double(),
    lastSeenAt: p.datetime(3),
    sampleJobId: p.uuid().nullable()
  }
})
