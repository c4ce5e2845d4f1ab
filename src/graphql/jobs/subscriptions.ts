import { Effect, Stream } from "effect"
import { NotFoundError } from "../../domain/errors.ts"
import { JobEvents } from "../../jobs/JobEvents.ts"
import { type JobCriteria, type JobRecord, matchingJobs } from "../../persistence/reads/jobs.ts"
import { read, refusal, subscribe } from "../bridge.ts"
import { builder } from "../builder.ts"
import type { Services } from "../Services.ts"
import { idOf } from "../ids.ts"
import { JobEventInterface } from "./JobEvent.ts"
import { jobCriteria, JobFilter } from "./JobFilter.ts"
import { JobRef } from "./JobRef.ts"

/** What matches now, then each job whenever it changed and matches. */
const matching = (criteria: JobCriteria): Stream.Stream<JobRecord, never, Services> =>
  Stream.unwrap(Effect.map(JobEvents, ({ changes }) =>
    // The first read happens when the changes are being listened to already; what it misses they bring.
    Stream.merge(Stream.succeed(null), changes).pipe(Stream.flatMap((ids) => Stream.fromIterableEffect(matchingJobs(criteria, ids))))))

builder.subscriptionFields((t) => ({
  jobEvents: t.field({
    type: JobEventInterface,
    description: "Stored events after the sequence first, then live ones: no gap, no repeat, and it completes after the terminal event.",
    args: {
      jobId: t.arg.id({ required: true, description: "Of the job." }),
      afterSequence: t.arg.int({ defaultValue: 0, description: "The sequence of the last event that the client has; 0 for all." })
    },
    subscribe: async (_, { jobId, afterSequence }, context) => {
      if ((afterSequence ?? 0) < 0) throw refusal("INVALID_INPUT", "`afterSequence` must be 0 or more.")
      const id = idOf("Job", jobId)
      const followed = id === undefined
        ? new NotFoundError({ message: "There is no such job.", id: jobId })
        : await read(Effect.result(Effect.flatMap(JobEvents, (events) => events.follow(id, afterSequence ?? 0))), context).then((result) => result._tag === "Success" ? result.success : result.failure)
      if (followed instanceof NotFoundError) throw refusal(followed.code, followed.message)
      return subscribe(followed, context)
    },
    resolve: (event) => event
  }),
  jobChanged: t.field({
    type: JobRef,
    description: "Each job that matches, at once and whenever it changes.",
    args: { filter: t.arg({ type: JobFilter, description: "Only jobs that match." }) },
    subscribe: (_, { filter }, context) => subscribe(matching(jobCriteria(filter)), context),
    resolve: (job) => job
  })
}))
