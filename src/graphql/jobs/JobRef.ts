import type { JobRecord } from "../../persistence/reads/jobs.ts"
import { builder } from "../builder.ts"

/** Apart from its fields, because tracks and jobs refer to each other. */
export const JobRef = builder.objectRef<JobRecord>("Job")
