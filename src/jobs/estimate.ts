/** When a job is likely to end. */
import type { StageName, StageStatus } from "../domain/Job.ts"

/** What the last jobs of the kind took for a stage. */
export interface StageSpeed {
  readonly stage: StageName
  /** In the mean. */
  readonly durationMs: number
  /** Processing time for a millisecond of audio; null where the audio's length was not known. */
  readonly perAudioMs: number | null
}

export interface EstimatedStage {
  readonly name: StageName
  readonly status: StageStatus
  /** 0 to 1. */
  readonly progress: number
  readonly startedAt: Date | null
}

export interface EstimatedJob {
  /** 0 to 1, by the stages' expected shares. */
  readonly progress: number
  readonly startedAt: Date | null
  /** When the progress was written down. */
  readonly updatedAt: Date
  /** Of the audio, where it is known yet. */
  readonly durationMs: number | null
  readonly stages: ReadonlyArray<EstimatedStage>
}

/** Progress below this says nothing of the speed. */
const tellingProgress = 0.05

const expectedMs = (speed: StageSpeed | undefined, audioMs: number | null): number | undefined =>
  speed === undefined ? undefined : audioMs !== null && speed.perAudioMs !== null ? speed.perAudioMs * audioMs : speed.durationMs

/** What is left of the stage that runs: the further it is, the more its own speed counts and the less the history. */
const remainingOfRunning = ({ progress, startedAt }: EstimatedStage, asOf: Date, expected: number | undefined): number | undefined => {
  const elapsed = startedAt === null ? 0 : Math.max(0, asOf.getTime() - startedAt.getTime())
  const left = expected === undefined ? undefined : Math.max(0, expected - elapsed)
  if (progress < tellingProgress) return left
  const own = (elapsed * (1 - progress)) / progress
  return left === undefined ? own : progress * own + (1 - progress) * left
}

/**
 * The time at which a running job is likely to end: what is left of its stage, by its own speed and by that of the last
 * jobs of the kind, and what these took for the stages behind it. Without a history, from the job's own progress alone;
 * undefined while there is nothing to go by.
 */
export const estimateFinish = (job: EstimatedJob, speeds: ReadonlyArray<StageSpeed>): Date | undefined => {
  const bySpeed = new Map(speeds.map((speed) => [speed.stage, speed]))
  let remainingMs: number | undefined = 0
  for (const stage of job.stages) {
    if (stage.status !== "RUNNING" && stage.status !== "PENDING") continue
    const expected = expectedMs(bySpeed.get(stage.name), job.durationMs)
    const left = stage.status === "RUNNING" ? remainingOfRunning(stage, job.updatedAt, expected) : expected
    remainingMs = left === undefined || remainingMs === undefined ? undefined : remainingMs + left
  }
  if (remainingMs === undefined && job.startedAt !== null && job.progress >= tellingProgress) {
    remainingMs = ((job.updatedAt.getTime() - job.startedAt.getTime()) * (1 - job.progress)) / job.progress
  }
  return remainingMs === undefined ? undefined : new Date(job.updatedAt.getTime() + remainingMs)
}
