import type { JobCriteria } from "../../persistence/reads/jobs.ts"
import { builder } from "../builder.ts"
import { JobKindEnum, JobStatusEnum } from "../enums.ts"
import { idOf } from "../ids.ts"

export const JobFilter = builder.inputType("JobFilter", {
  description: "Which jobs. What is not given does not matter; all that is given must hold.",
  fields: (t) => ({
    kind: t.field({ type: [JobKindEnum], description: "One of these kinds." }),
    status: t.field({ type: [JobStatusEnum], description: "In one of these statuses." }),
    trackId: t.id({ description: "Working on this track." }),
    degraded: t.boolean({ description: "Whether a stage fell back to a lesser method." })
  })
})

/** An id that is no track's matches nothing, like the id of a track that is gone. */
const nobody = "00000000-0000-0000-0000-000000000000"

export const jobCriteria = (filter: typeof JobFilter.$inferInput | null | undefined): JobCriteria => ({
  kind: filter?.kind,
  status: filter?.status,
  trackId: typeof filter?.trackId === "string" ? idOf("Track", filter.trackId) ?? nobody : null,
  degraded: filter?.degraded
})
