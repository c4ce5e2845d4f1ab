import { p } from "@mikro-orm/core"

/** What is kept of the failures of one kind in a span of time, whichever it is. */
export const failureSum = {
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
  /** Of the last failure; where there was none, of the last recovery. */
  lastSeenAt: p.datetime(3),
  /** The newest. */
  sampleJobId: p.uuid().nullable()
}
