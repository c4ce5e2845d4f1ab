import type { ApiKeys } from "../access/ApiKeys.ts"
import type { MediaLinks } from "../access/MediaLinks.ts"
import type { RateLimits } from "../access/RateLimits.ts"
import type { Conversion } from "../conversion/Conversion.ts"
import type { Enhancement } from "../enhancement/Enhancement.ts"
import type { JobEvents } from "../jobs/JobEvents.ts"
import type { Jobs } from "../jobs/Jobs.ts"
import type { Library } from "../library/Library.ts"
import type { TrackEvents } from "../library/TrackEvents.ts"
import type { Tracks } from "../library/Tracks.ts"
import type { FailureStatistics } from "../operations/failures/FailureStatistics.ts"
import type { Health } from "../operations/Health.ts"
import type { Incidents } from "../operations/incidents/Incidents.ts"
import type { Providers } from "../operations/providers/Providers.ts"
import type { Webhooks } from "../operations/webhooks/Webhooks.ts"
import type { Database } from "../persistence/Database.ts"

/** What the API stands on. */
export type Services =
  | ApiKeys
  | Conversion
  | Database
  | Enhancement
  | FailureStatistics
  | Health
  | Incidents
  | JobEvents
  | Jobs
  | Library
  | MediaLinks
  | Providers
  | RateLimits
  | TrackEvents
  | Tracks
  | Webhooks
