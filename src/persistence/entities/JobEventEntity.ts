import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import type { JobEventTag } from "../../domain/JobEvent.ts"
import type { StageName } from "../../domain/Job.ts"
import { JobEntity } from "./JobEntity.ts"

/** One entry of a job's log; sequences start at 1 and have no gaps. */
export const JobEventEntity = defineEntity({
  name: "JobEvent",
  tableName: "job_event",
  primaryKeys: ["jobId", "sequence"],
  properties: {
    jobId: () => p.manyToOne(JobEntity).mapToPk().primary().fieldName("job_id").deleteRule("cascade"),
    sequence: p.integer().primary(),
    kind: p.text().$type<JobEventTag>(),
    stage: p.text().$type<StageName>().nullable(),
    /** `defaultRaw`, because a default given as a value would be stored as a JSON string. */
    data: p.json<unknown>().defaultRaw("'{}'"),
    /** Made of job, run, stage and kind, so that a repeated run writes no event twice. */
    dedupeKey: p.text(),
    at: p.datetime(3)
  },
  uniques: [{ name: "job_event_dedupe_key_unique", properties: ["jobId", "dedupeKey"] }]
})
export type JobEventEntity = InferEntity<typeof JobEventEntity>
