/** The rows of a job's stages: what is kept of each, and the snapshot of it that goes into events. */
import { DateTime, Effect } from "effect"
import { decodeFailure, encodeFailure, type Failure } from "../domain/errorCatalog.ts"
import type { StageName, StageStatus } from "../domain/Job.ts"
import type { StageSnapshot } from "../domain/JobEvent.ts"
import type { QualityTier } from "../domain/Track.ts"
import type { Transaction } from "../persistence/Database.ts"

export interface StageRow {
  readonly job_id: string
  readonly position: number
  readonly name: StageName
  readonly status: StageStatus
  readonly progress: number
  readonly attempt: number
  /** How many of the attempts failed and were put back for another one. */
  readonly failures: number
  /** How many of the attempts were lost with the node that made them. */
  readonly losses: number
  readonly provider: string | null
  readonly quality: QualityTier | null
  readonly degraded_from: QualityTier | null
  readonly failure: unknown
  readonly output: unknown
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

export interface StagePatch {
  readonly status?: StageStatus
  readonly progress?: number
  readonly attempt?: number
  readonly failures?: number
  readonly losses?: number
  readonly quality?: QualityTier | null
  readonly degraded_from?: QualityTier | null
  readonly failure?: Failure | null
  readonly output?: unknown
  readonly started_at?: Date | null
  readonly finished_at?: Date | null
}

const finished: ReadonlySet<StageStatus> = new Set(["SUCCEEDED", "REUSED", "SKIPPED"])

/** Whether a later run goes on behind this stage instead of running it again. */
export const isFinishedStage = (stage: StageRow): boolean => finished.has(stage.status)

export const readStages = (tx: Transaction, jobId: string): Effect.Effect<ReadonlyArray<StageRow>> =>
  tx.query<StageRow>(`select * from job_stage where job_id = $1 order by position`, [jobId])

/** JSON has no dates. */
export const stageFromJson = (stage: StageRow): StageRow => ({
  ...stage,
  started_at: stage.started_at === null ? null : new Date(stage.started_at),
  finished_at: stage.finished_at === null ? null : new Date(stage.finished_at)
})

const dateTime = (date: Date | null) => date === null ? null : DateTime.fromDateUnsafe(date)

export const stageSnapshot = (stage: StageRow): StageSnapshot => ({
  name: stage.name,
  status: stage.status,
  progress: stage.progress,
  attempt: stage.attempt,
  provider: stage.provider,
  quality: stage.quality,
  degradedFrom: stage.degraded_from,
  failure: stage.failure === null ? null : decodeFailure(stage.failure),
  startedAt: dateTime(stage.started_at),
  finishedAt: dateTime(stage.finished_at)
})

/** A stage that is to change, as it will stand. `jobLog.writeJob` writes it together with its job. */
export interface StageChange {
  readonly stage: StageRow
  readonly patch: StagePatch
}

/** The change, and the row as it stands then. */
export const changeStage = (stage: StageRow, patch: StagePatch): { readonly change: StageChange; readonly row: StageRow } => ({
  change: { stage, patch },
  row: { ...stage, ...patch, failure: patch.failure === undefined ? stage.failure : patch.failure === null ? null : encodeFailure(patch.failure) }
})

/** The statement's part that makes the change (of the job `$1`), and its parameters from number `first` on. */
export const updateStage = (first: number, { patch, stage }: StageChange) => {
  const columns = Object.entries({
    ...patch,
    ...("failure" in patch ? { failure: patch.failure ? JSON.stringify(encodeFailure(patch.failure)) : null } : {}),
    ...("output" in patch ? { output: JSON.stringify(patch.output) } : {})
  })
  const assignments = columns.map(([column], index) => `${column} = $${first + index}`).join(", ")
  return {
    sql: `update job_stage set ${assignments} where job_id = $1::uuid and position = ${stage.position}`,
    params: columns.map(([, value]) => value)
  }
}
