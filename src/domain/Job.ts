import { Schema } from "effect"

export const JobKind = Schema.Literals(["IMPORT", "ENHANCE", "SEPARATE", "GENERATE", "TRANSCRIBE", "TRIM", "TRANSCODE", "LYRICS"])
export type JobKind = typeof JobKind.Type

export const JobStatus = Schema.Literals(["QUEUED", "RUNNING", "WAITING", "CANCELLING", "SUCCEEDED", "FAILED", "CANCELLED"])
export type JobStatus = typeof JobStatus.Type

export const JobPriority = Schema.Literals(["LOW", "NORMAL", "HIGH"])
export type JobPriority = typeof JobPriority.Type

export const StageName = Schema.Literals([
  "VALIDATE",
  "DOWNLOAD",
  "PROBE",
  "METADATA",
  "STORE",
  "ANALYZE",
  "FINGERPRINT",
  "SEPARATE",
  "DENOISE",
  "NORMALIZE",
  "TRIM",
  "TRANSCODE",
  "MEASURE",
  "REQUEST",
  "AWAIT_WEBHOOK",
  "FETCH_RESULT",
  "SPLIT",
  "TRANSCRIBE",
  "CHUNK",
  "EMBED",
  "LYRICS",
  "FINALIZE"
])
export type StageName = typeof StageName.Type

export const StageStatus = Schema.Literals(["PENDING", "RUNNING", "SUCCEEDED", "REUSED", "SKIPPED", "FAILED", "CANCELLED"])
export type StageStatus = typeof StageStatus.Type

/** Nothing follows these: no event, no change of status, ever. */
export const terminalStatuses = ["SUCCEEDED", "FAILED", "CANCELLED"] as const satisfies ReadonlyArray<JobStatus>
export type TerminalStatus = (typeof terminalStatuses)[number]

/** The state machine of a job: from each status, the ones that may follow. */
export const jobTransitions: { readonly [From in JobStatus]: ReadonlyArray<JobStatus> } = {
  QUEUED: ["RUNNING", "CANCELLING", "CANCELLED", "FAILED"],
  RUNNING: ["WAITING", "CANCELLING", "SUCCEEDED", "FAILED", "QUEUED"],
  WAITING: ["RUNNING", "QUEUED", "CANCELLING", "CANCELLED", "FAILED"],
  CANCELLING: ["CANCELLED", "SUCCEEDED", "FAILED"],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: []
}

export const isTerminal = (status: JobStatus): status is TerminalStatus => jobTransitions[status].length === 0

export const canTransition = (from: JobStatus, to: JobStatus): boolean => jobTransitions[from].includes(to)
