import { Effect } from "effect"
import { type FailureGroup, type FailureReport, FailureStatistics } from "../../operations/failures/FailureStatistics.ts"
import { Incidents } from "../../operations/incidents/Incidents.ts"
import type { ErrorBudget } from "../../operations/incidents/errorBudget.ts"
import { read, refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { ErrorCodeEnum, StageNameEnum } from "../enums.ts"
import { JobRef } from "../jobs/JobRef.ts"
import { most } from "../limits.ts"

/** As long as failures are remembered. */
const maxSeconds = 35 * 24 * 3600

const sum = ({ groups }: FailureReport, of: (group: FailureGroup) => number): number => groups.reduce((total, group) => total + of(group), 0)

const ErrorGroupRef = builder.objectRef<FailureGroup>("ErrorGroup").implement({
  description: "Failures of one code, at one stage, of one provider.",
  fields: (t) => ({
    code: t.expose("code", { type: ErrorCodeEnum, description: "What went wrong." }),
    stage: t.expose("stage", { type: StageNameEnum, nullable: true, description: "Of the jobs that it happened to." }),
    provider: t.exposeString("provider", { nullable: true, description: "Whose failure it was." }),
    count: t.exposeInt("count", { description: "How often." }),
    recovered: t.exposeInt("recovered", { description: "How many of them were made good without a person: by another try, or by a lesser way." }),
    lastSeenAt: t.expose("lastSeenAt", { type: "DateTime", description: "The last time." }),
    sampleJob: t.field({ type: JobRef, nullable: true, description: "One of the jobs that it happened to.", resolve: ({ sampleJobId }, _, { loaders }) => (sampleJobId === null ? null : loaders.job.load(sampleJobId)) })
  })
})

const ErrorReportRef = builder.objectRef<FailureReport>("ErrorReport").implement({
  description: "What failed, and what became of it, on all nodes.",
  fields: (t) => ({
    from: t.expose("from", { type: "DateTime", description: "The full minute in which the report begins." }),
    to: t.expose("to", { type: "DateTime", description: "When it was made." }),
    total: t.int({ description: "All failures.", resolve: (report) => sum(report, ({ count }) => count) }),
    handled: t.int({ description: "Those of an expected kind.", resolve: (report) => sum(report, ({ count, unhandled }) => count - unhandled) }),
    unhandled: t.int({ description: "Those that nobody had thought of: bugs.", resolve: (report) => sum(report, ({ unhandled }) => unhandled) }),
    recovered: t.int({ description: "Those that were made good without a person.", resolve: (report) => sum(report, ({ recovered }) => recovered) }),
    recoveryRate: t.float({
      description: "The share that was made good, 0 to 1; 1 where nothing failed.",
      resolve: (report) => {
        const total = sum(report, ({ count }) => count)
        return total === 0 ? 1 : Math.min(1, sum(report, ({ recovered }) => recovered) / total)
      }
    }),
    meanTimeToRecoveryMs: t.exposeFloat("meanTimeToRecoveryMs", { nullable: true, description: "From a failure until it was made good, on average, in milliseconds." }),
    groups: t.field({ type: [ErrorGroupRef], extensions: { [most]: 100 }, description: "The most frequent first.", resolve: ({ groups }) => [...groups] })
  })
})

const ErrorBudgetRef = builder.objectRef<ErrorBudget>("ErrorBudget").implement({
  description: "How many jobs may fail through this server, and how many did. What a client asked for in vain and damaged files do not count.",
  fields: (t) => ({
    objective: t.exposeFloat("objective", { description: "The share of jobs that is to succeed, 0 to 1." }),
    windowSeconds: t.exposeInt("windowSeconds", { description: "How far back jobs count, in seconds." }),
    total: t.exposeInt("total", { description: "Jobs that succeeded or failed in the window." }),
    failed: t.exposeInt("failed", { description: "Those that failed through this server." }),
    remaining: t.exposeFloat("remaining", { description: "The share of the budget that is left: 1 untouched, 0 spent, negative overspent." }),
    burnRate: t.exposeFloat("burnRate", { description: "How fast it was used up in the last hour: 1 uses exactly all of it in the window." }),
    exhaustsAt: t.expose("exhaustsAt", { type: "DateTime", nullable: true, description: "When the budget will be spent at the present burn rate." })
  })
})

builder.queryFields((t) => ({
  errorReport: t.field({
    type: ErrorReportRef,
    scope: "READ",
    description: "What failed lately, and what became of it.",
    args: { lastSeconds: t.arg.int({ defaultValue: 3600, description: `How far back, in seconds, at most ${maxSeconds}.` }) },
    resolve: (_, { lastSeconds }, context) => {
      const seconds = lastSeconds ?? 3600
      if (seconds < 1 || seconds > maxSeconds) throw refusal("INVALID_INPUT", `\`lastSeconds\` must be from 1 to ${maxSeconds}.`)
      return read(Effect.flatMap(FailureStatistics, (statistics) => statistics.report(seconds)), context)
    }
  }),
  errorBudget: t.field({
    type: ErrorBudgetRef,
    scope: "READ",
    description: "How many jobs may fail, how many did, and how long that can go on.",
    resolve: (_, _args, context) => read(Effect.flatMap(Incidents, (incidents) => incidents.errorBudget), context)
  })
}))
