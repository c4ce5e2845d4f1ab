import { isTerminal } from "../../domain/Job.ts"
import { decodeEventBody } from "../../domain/JobEvent.ts"
import { estimateFinish } from "../../jobs/estimate.ts"
import { countJobs, jobPage, type JobRecord } from "../../persistence/reads/jobs.ts"
import { read, refusal } from "../bridge.ts"
import { builder } from "../builder.ts"
import { connectionOf, listById, pageArguments, readConnection } from "../connection.ts"
import { JobKindEnum, JobPriorityEnum, JobStatusEnum } from "../enums.ts"
import { ErrorInterface, failureValue } from "../errors/ErrorInterface.ts"
import { globalId, idOf } from "../ids.ts"
import { TrackRef } from "../library/TrackRef.ts"
import { most } from "../limits.ts"
import { NodeInterface } from "../NodeInterface.ts"
import { JobEventInterface } from "./JobEvent.ts"
import { JobFilter, jobCriteria } from "./JobFilter.ts"
import { JobRef } from "./JobRef.ts"
import { JobStageRef } from "./JobStage.ts"

const priorities = ["LOW", "NORMAL", "HIGH"] as const
const maxEvents = 500
/** Of an import, which has the most. */
const maxStages = 8

JobRef.implement({
  description: "Long work: durable, resumable, and visible as it happens.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global id.", resolve: (job) => globalId("Job", job.id) }),
    kind: t.expose("kind", { type: JobKindEnum, description: "What it does." }),
    status: t.expose("status", { type: JobStatusEnum, description: "Where it stands." }),
    priority: t.field({ type: JobPriorityEnum, description: "Which jobs it goes before.", resolve: (job) => priorities[job.priority] ?? "NORMAL" }),
    progress: t.exposeFloat("progress", { description: "How much is done, 0 to 1, by the time that its stages are expected to take." }),
    currentStage: t.field({
      type: JobStageRef,
      nullable: true,
      description: "The stage that is being worked on, or would be next; null once the job has ended.",
      resolve: async (job, _, { loaders }) => {
        if (isTerminal(job.status)) return null
        const stages = await loaders.stages.load(job.id)
        return stages.find((stage) => stage.status === "RUNNING") ?? stages.find((stage) => stage.status === "PENDING") ?? null
      }
    }),
    stages: t.field({ type: [JobStageRef], extensions: { [most]: maxStages }, description: "All its stages, in order.", resolve: async (job, _, { loaders }) => [...await loaders.stages.load(job.id)] }),
    degraded: t.exposeBoolean("degraded", { description: "Whether a stage had to fall back to a lesser method." }),
    attempt: t.exposeInt("attempt", { description: "How often work on it has begun; more than 1 after a retry or the loss of a worker." }),
    failure: t.field({ type: ErrorInterface, nullable: true, description: "Why it failed.", resolve: (job) => job.failure === null ? null : failureValue(job.failure) }),
    track: t.field({
      type: TrackRef,
      nullable: true,
      description: "The track that it works on; null once that is deleted.",
      resolve: (job, _, { loaders }) => job.trackId === null ? null : loaders.track.load(job.trackId)
    }),
    retryOf: t.field({
      type: JobRef,
      nullable: true,
      description: "The job that this one tries again.",
      resolve: (job, _, { loaders }) => job.retryOf === null ? null : loaders.job.load(job.retryOf)
    }),
    queuePosition: t.int({
      nullable: true,
      description: "How many queued jobs go before it; null unless it is QUEUED.",
      resolve: async (job, _, { loaders }) => job.status === "QUEUED" ? (await loaders.queuePosition.load(job.id))?.position : null
    }),
    estimatedFinishAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it is likely to end: by its own speed, and by what the last jobs of its kind took for each stage. Null unless it is RUNNING and there is something to go by.",
      resolve: async (job, _, { loaders }) => {
        if (job.status !== "RUNNING") return null
        const [stages, speeds, track] = await Promise.all([
          loaders.stages.load(job.id),
          loaders.stageSpeeds.load(job.kind),
          job.trackId === null ? null : loaders.track.load(job.trackId)
        ])
        return estimateFinish({ ...job, stages, durationMs: track?.durationMs ?? null }, speeds) ?? null
      }
    }),
    idempotencyKey: t.exposeString("idempotencyKey", { nullable: true, description: "Under which it was submitted." }),
    lastSequence: t.exposeInt("lastSequence", { description: "The sequence of its newest event." }),
    events: t.field({
      type: [JobEventInterface],
      extensions: { [most]: maxEvents },
      description: `Its log, oldest first; at most ${maxEvents} at once.`,
      args: {
        afterSequence: t.arg.int({ defaultValue: 0, description: "Only events behind this one." }),
        first: t.arg.int({ defaultValue: 100, description: `How many, 1 to ${maxEvents}.` })
      },
      resolve: async (job, { afterSequence, first }, { loaders }) => {
        const limit = first ?? 100
        if (limit < 1 || limit > maxEvents) throw refusal("INVALID_INPUT", `\`first\` must be from 1 to ${maxEvents}.`)
        const rows = await loaders.jobEvents.load({ jobId: job.id, afterSequence: afterSequence ?? 0, limit })
        return rows.map(({ at, data, jobId, kind, sequence }) => ({ jobId, sequence, at, body: decodeEventBody({ _tag: kind, ...data }) }))
      }
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was submitted." }),
    startedAt: t.expose("startedAt", { type: "DateTime", nullable: true, description: "When work on it first began." }),
    finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true, description: "When it ended." })
  })
})

export const { connection: JobConnection } = connectionOf("Job", JobRef)

builder.queryFields((t) => ({
  job: t.field({
    type: JobRef,
    scope: "READ",
    nullable: true,
    description: "A job by its id; null when there is none.",
    args: { id: t.arg.id({ required: true, description: "Of the job." }) },
    resolve: (_, { id }, { loaders }) => {
      const jobId = idOf("Job", id)
      return jobId === undefined ? null : loaders.job.load(jobId)
    }
  }),
  jobs: t.field({
    type: JobConnection,
    scope: "READ",
    description: "Jobs, newest first.",
    args: { filter: t.arg({ type: JobFilter, description: "Only jobs that match." }), ...pageArguments },
    resolve: (_, { filter, ...page }, context) => {
      const criteria = jobCriteria(filter)
      return readConnection(listById<JobRecord>(`jobs ${JSON.stringify(criteria)}`), page, (request) => read(jobPage(criteria, request), context), () => read(countJobs(criteria), context))
    }
  })
}))
