import type { StageName, StageStatus } from "../../domain/Job.ts"
import type { QualityTier } from "../../domain/Track.ts"
import { builder } from "../builder.ts"
import { QualityTierEnum, StageNameEnum, StageStatusEnum } from "../enums.ts"
import { ErrorInterface, failureValue } from "../errors/ErrorInterface.ts"

/** A stage as it stands, or as an event saw it. */
export interface StageView {
  readonly name: StageName
  readonly status: StageStatus
  readonly progress: number
  readonly attempt: number
  readonly provider: string | null
  readonly quality: QualityTier | null
  readonly degradedFrom: QualityTier | null
  /** Decoded, or as it is stored. */
  readonly failure: unknown
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

export const JobStageRef = builder.objectRef<StageView>("JobStage").implement({
  description: "One step of a job.",
  fields: (t) => ({
    name: t.expose("name", { type: StageNameEnum, description: "Which step." }),
    status: t.expose("status", { type: StageStatusEnum, description: "Where it stands." }),
    progress: t.exposeFloat("progress", { description: "How much of it is done, 0 to 1: bytes received, samples decoded." }),
    attempt: t.exposeInt("attempt", { description: "How often it has been begun." }),
    provider: t.exposeString("provider", { nullable: true, description: "The outside service that serves it." }),
    quality: t.expose("quality", { type: QualityTierEnum, nullable: true, description: "The tier that served." }),
    degradedFrom: t.expose("degradedFrom", { type: QualityTierEnum, nullable: true, description: "The tier that was tried first, where a fallback served instead." }),
    failure: t.field({ type: ErrorInterface, nullable: true, description: "What went wrong in its last try.", resolve: (stage) => stage.failure === null ? null : failureValue(stage.failure) }),
    startedAt: t.expose("startedAt", { type: "DateTime", nullable: true, description: "When its last try began." }),
    finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true, description: "When it ended." })
  })
})
