import type { Conversion } from "../conversion/Conversion.ts"
import type { JobEvents } from "../jobs/JobEvents.ts"
import type { Jobs } from "../jobs/Jobs.ts"
import type { Library } from "../library/Library.ts"
import type { TrackEvents } from "../library/TrackEvents.ts"
import type { Tracks } from "../library/Tracks.ts"
import type { Health } from "../operations/Health.ts"
import type { Database } from "../persistence/Database.ts"

/** What the API stands on. */
export type Services = Conversion | Database | JobEvents | Jobs | Library | Tracks | TrackEvents | Health
