import { LibraryAndJobs } from "./0001_library_and_jobs.ts"
import { JobControl } from "./0002_job_control.ts"
import { FindingTracks } from "./0004_finding_tracks.ts"
import { JobOrigin } from "./0006_job_origin.ts"
import { Uploads } from "./0007_uploads.ts"
import { Access } from "./0008_access.ts"
import { Webhooks } from "./0009_webhooks.ts"
import { Operations } from "./0010_operations.ts"
import { TrackWords } from "./0011_track_words.ts"
import { UploadAccount } from "./0012_upload_account.ts"
import { FailingStores } from "./0013_failing_stores.ts"
import { FailureHours } from "./0014_failure_hours.ts"
import { EndedJobs } from "./0015_ended_jobs.ts"

/** Every migration in its order. Names are stored in the database: they never change. */
export const migrations = [
  { name: "0001_library_and_jobs", class: LibraryAndJobs },
  { name: "0002_job_control", class: JobControl },
  { name: "0004_finding_tracks", class: FindingTracks },
  { name: "0006_job_origin", class: JobOrigin },
  { name: "0007_uploads", class: Uploads },
  { name: "0008_access", class: Access },
  { name: "0009_webhooks", class: Webhooks },
  { name: "0010_operations", class: Operations },
  { name: "0011_track_words", class: TrackWords },
  { name: "0012_upload_account", class: UploadAccount },
  { name: "0013_failing_stores", class: FailingStores },
  { name: "0014_failure_hours", class: FailureHours },
  { name: "0015_ended_jobs", class: EndedJobs }
]
