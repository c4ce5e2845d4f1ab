/** What is counted of jobs: rate, errors and duration of each stage, and what becomes of jobs as a whole. */
import { Duration, Effect, Metric } from "effect"
import type { JobKind, StageName, TerminalStatus } from "../domain/Job.ts"
import { metricFamily } from "../domain/metricFamily.ts"

/** From a stage that does nothing to the separation of an hour. */
const boundaries = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600]

/** What came of running a stage once. */
export type StageOutcome = "succeeded" | "retried" | "failed" | "cancelled" | "interrupted"

const submitted = metricFamily(["kind"], (attributes) =>
  Metric.counter("playhead_jobs_submitted_total", { description: "Jobs that this node was asked for.", incremental: true, attributes }))
const finished = metricFamily(["kind", "status"], (attributes) =>
  Metric.counter("playhead_jobs_finished_total", { description: "Jobs that this node brought to their end, by how they ended.", incremental: true, attributes }))
const waited = metricFamily(["kind"], (attributes) =>
  Metric.histogram("playhead_job_wait_seconds", { description: "From the submission of a job to the start of its first stage.", boundaries, attributes }))
const lasted = metricFamily(["kind"], (attributes) =>
  Metric.histogram("playhead_job_duration_seconds", { description: "From the submission of a job to its end, pauses included.", boundaries, attributes }))
const stageRuns = metricFamily(["kind", "stage", "outcome"], (attributes) =>
  Metric.counter("playhead_job_stage_attempts_total", {
    description: "Stages that were run on this node, by what came of it: retried ones failed and will be tried again, interrupted ones go on elsewhere or later.",
    incremental: true,
    attributes
  }))
const stageLasted = metricFamily(["kind", "stage"], (attributes) =>
  Metric.histogram("playhead_job_stage_duration_seconds", { description: "How long a stage ran, however it ended.", boundaries, attributes }))
const lost = Metric.counter("playhead_job_runs_lost_total", { description: "Runs that this node found abandoned by a worker that is no more, and gave to others.", incremental: true })

const millis = (from: Date, to: Date): number => Math.max(0, to.getTime() - from.getTime()) / 1_000

export const countSubmitted = (kind: JobKind): Effect.Effect<void> => Metric.update(submitted(kind), 1)

export const countStarted = (job: { readonly kind: JobKind; readonly created_at: Date; readonly now: Date }): Effect.Effect<void> =>
  Metric.update(waited(job.kind), millis(job.created_at, job.now))

export const countFinished = (job: { readonly kind: JobKind; readonly created_at: Date; readonly now: Date }, status: TerminalStatus): Effect.Effect<void> =>
  Effect.andThen(Metric.update(finished(job.kind, status), 1), Metric.update(lasted(job.kind), millis(job.created_at, job.now)))

export const countStage = (kind: JobKind, stage: StageName, outcome: StageOutcome, elapsed: Duration.Duration): Effect.Effect<void> =>
  Effect.andThen(Metric.update(stageRuns(kind, stage, outcome), 1), Metric.update(stageLasted(kind, stage), Duration.toSeconds(elapsed)))

export const countLost = (runs: number): Effect.Effect<void> => Metric.update(lost, runs)
