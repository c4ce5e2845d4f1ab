import type { TrackRecord } from "../../persistence/reads/tracks.ts"
import { builder } from "../builder.ts"

/** Apart from its fields, because tracks and jobs refer to each other. */
export const TrackRef = builder.objectRef<TrackRecord>("Track")
