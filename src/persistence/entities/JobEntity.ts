import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import type { EncodedFailure } from "../../domain/errorCatalog.ts"
import { JobKind, JobStatus } from "../../domain/Job.ts"
import { oneOf } from "./checks.ts"
import { TrackEntity } from "./TrackEntity.ts"

/** Apart from the entity, because a type cannot be inferred from itself. */
const anotherJob = (job: { "~entity": { id: string } }) =>
  p.manyToOne(job).mapToPk().fieldName("retry_of").nullable().deleteRule("set null")

/** A unit of long work. This row is the truth about it; a queue entry is only the permission to work on it. */
export const JobEntity = defineEntity({
  name: "Job",
  tableName: "job",
  properties: {
    id: p.uuid().primary(),
    kind: p.text().$type<JobKind>(),
    status: p.text().$type<JobStatus>(),
    /** 0 LOW, 1 NORMAL, 2 HIGH. */
    priority: p.smallint(),
    trackId: () => p.manyToOne(TrackEntity).mapToPk().fieldName("track_id").nullable().deleteRule("set null"),
    /** How often work on it has begun; also the fencing token of the run that may write. */
    attempt: p.integer().default(0),
    options: p.json<unknown>(),
    failure: p.json<EncodedFailure>().nullable(),
    degraded: p.boolean().default(false),
    idempotencyKey: p.text().nullable(),
    inputHash: p.text().nullable(),
    /** Of the request that submitted it. */
    requestId: p.text().nullable(),
    /** Where in the trace of that request it was submitted (W3C Trace Context). */
    traceparent: p.text().nullable(),
    retryOf: (): ReturnType<typeof anotherJob> => anotherJob(JobEntity),
    /** 0 to 1. */
    progress: p.float().default(0),
    /** The sequence of its newest event. */
    lastSequence: p.integer().default(0),
    awaiting: p.text().nullable(),
    resumeAt: p.datetime(3).nullable(),
    cancelRequestedAt: p.datetime(3).nullable(),
    /** The node that works on it. */
    node: p.text().nullable(),
    /** Whether all of its events but the last are gone, as happens some time after the end. */
    logShortened: p.boolean().default(false),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    finishedAt: p.datetime(3).nullable(),
    updatedAt: p.datetime(3)
  },
  checks: [
    { name: "job_kind_check", expression: oneOf("kind", JobKind.literals) },
    { name: "job_status_check", expression: oneOf("status", JobStatus.literals) },
    { name: "job_priority_check", expression: "priority >= 0 and priority <= 2" }
  ],
  uniques: [{ name: "job_idempotency_key_unique", properties: ["idempotencyKey"] }],
  indexes: [
    { name: "job_status_index", properties: ["status", "createdAt"] },
    {
      name: "job_track_index",
      columns: [{ name: "trackId" }, { name: "createdAt", sort: "DESC" }],
      properties: ["trackId", "createdAt"]
    },
    {
      name: "job_newest_index",
      columns: [
        { name: "createdAt", sort: "DESC" },
        { name: "id", sort: "DESC" }
      ],
      properties: ["createdAt", "id"]
    },
    { name: "job_retry_index", properties: ["retryOf"] },
    {
      name: "job_finished_index",
      columns: [{ name: "kind" }, { name: "finishedAt", sort: "DESC" }],
      properties: ["kind", "finishedAt"]
    },
    { name: "job_ended_index", properties: ["finishedAt", "status"], where: "finished_at is not null" },
    { name: "job_long_log_index", properties: ["finishedAt"], where: "finished_at is not null and not log_shortened" }
  ]
})
export type JobEntity = InferEntity<typeof JobEntity>
