import { Effect } from "effect"
import { JobEvents } from "../../jobs/JobEvents.ts"
import { refusal, watch } from "../bridge.ts"
import { builder } from "../builder.ts"
import { byId } from "../ids.ts"
import { JobEventInterface } from "./JobEvent.ts"
import { jobCriteria, JobFilter } from "./JobFilter.ts"
import { JobRef } from "./JobRef.ts"

builder.subscriptionFields((t) => ({
  jobEvents: t.field({
    type: JobEventInterface,
    scope: "READ",
    description: "Stored events after the sequence first, then live ones: no gap, no repeat, and it completes after the terminal event.",
    args: {
      jobId: t.arg.id({ required: true, description: "Of the job." }),
      afterSequence: t.arg.int({ defaultValue: 0, description: "The sequence of the last event that the client has; 0 for all." })
    },
    subscribe: (_, { jobId, afterSequence }, context) => {
      const after = afterSequence ?? 0
      if (after < 0) throw refusal("INVALID_INPUT", "`afterSequence` must be 0 or more.")
      return watch(byId("Job", jobId, (id) => Effect.flatMap(JobEvents, (events) => events.log(id))), after, context)
    },
    resolve: (event) => event
  }),
  jobChanged: t.field({
    type: JobRef,
    scope: "READ",
    description: "Each job that matches, at once and whenever it changes.",
    args: { filter: t.arg({ type: JobFilter, description: "Only jobs that match." }) },
    subscribe: (_, { filter }, context) => watch(Effect.flatMap(JobEvents, (events) => events.changed(jobCriteria(filter))), 0, context),
    resolve: (job) => job
  })
}))
