import { defineEntity, type InferEntity, p } from "@mikro-orm/core"
import type { EncodedFailure } from "../../domain/errorCatalog.ts"
import { StageName, StageStatus } from "../../domain/Job.ts"
import { QualityTier } from "../../domain/Track.ts"
import { oneOf } from "./checks.ts"
import { JobEntity } from "./JobEntity.ts"

/** One stage of a job, with its output once it is finished, from which a later run goes on. */
export const JobStageEntity = defineEntity({
  name: "JobStage",
  tableName: "job_stage",
  primaryKeys: ["jobId", "position"],
  properties: {
    jobId: () => p.manyToOne(JobEntity).mapToPk().primary().fieldName("job_id").deleteRule("cascade"),
    position: p.smallint().primary(),
    name: p.text().$type<StageName>(),
    status: p.text().$type<StageStatus>(),
    /** 0 to 1. */
    progress: p.float().default(0),
    attempt: p.integer().default(0),
    /** How many of the attempts failed and were put back for another one. */
    failures: p.integer().default(0),
    /** How many of the attempts were lost with the node that made them. */
    losses: p.integer().default(0),
    provider: p.text().nullable(),
    quality: p.text().$type<QualityTier>().nullable(),
    degradedFrom: p.text().$type<QualityTier>().nullable(),
    failure: p.json<EncodedFailure>().nullable(),
    output: p.json<unknown>().nullable(),
    startedAt: p.datetime(3).nullable(),
    finishedAt: p.datetime(3).nullable()
  },
  checks: [
    { name: "job_stage_name_check", expression: oneOf("name", StageName.literals) },
    { name: "job_stage_status_check", expression: oneOf("status", StageStatus.literals) },
    { name: "job_stage_quality_check", expression: oneOf("quality", QualityTier.literals) },
    { name: "job_stage_degraded_from_check", expression: oneOf("degraded_from", QualityTier.literals) }
  ],
  uniques: [{ name: "job_stage_name_unique", properties: ["jobId", "name"] }]
})
export type JobStageEntity = InferEntity<typeof JobStageEntity>
