/**
 * The port through which features bring their work: a job kind is a declared list of stages. This module runs them and
 * knows nothing of what they do.
 */
import { Context, type Effect, type Schema, type Scope } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"
import type { StorageError } from "../domain/errors.ts"
import type { JobKind, StageName, TerminalStatus } from "../domain/Job.ts"
import type { QualityTier } from "../domain/Track.ts"
import type { Transaction } from "../persistence/Database.ts"

/** What a stage is given. */
export interface StageRun<Options> {
  readonly jobId: string
  /** Null once the track was deleted. */
  readonly trackId: string | null
  /** What the job was submitted with. */
  readonly options: Options
  /** What an earlier stage of this job returned, in this run or in one before it. */
  readonly output: <Output>(stage: StageDefinition<Options, Output>) => Output
  /** A directory of this stage's run alone, made when first asked for; it is gone when the run ends, whatever happens. */
  readonly workDirectory: Effect.Effect<string, StorageError, Scope.Scope>
  /** Says how far the stage is, 0 to 1. Cheap: call it as often as there is news. */
  readonly reportProgress: (fraction: number) => void
  /** Tells that a better way of doing the stage's work failed and a lesser one takes its place: an event of the job, which is degraded from here on. */
  readonly reportDegradation: (step: Degradation) => Effect.Effect<void>
}

export interface Degradation {
  readonly from: QualityTier
  readonly to: QualityTier
  readonly failure: Failure
}

export interface StageResult<Output> {
  readonly output: Output
  /** The tier that served, where there is more than one way to do the work. */
  readonly quality?: QualityTier
  /** Writes what the stage found, in the transaction that records the stage as finished; both happen or neither. */
  readonly commit?: (tx: Transaction) => Effect.Effect<void, Failure>
}

/** One step of a job. It runs at least once: files go under new names, and outside effects carry idempotency keys. */
export interface StageDefinition<Options, Output> {
  readonly name: StageName
  /** The share of the job's whole time that the stage is expected to take, relative to its siblings. */
  readonly weight: number
  /** How the output is kept in the database for later runs. */
  readonly output: Schema.Codec<Output, unknown>
  readonly run: (run: StageRun<Options>) => Effect.Effect<StageResult<Output>, Failure, Scope.Scope>
  /**
   * Whether a new job may go on behind this stage with the output that an earlier job kept. It takes over what the output
   * refers to, in the transaction that submits the new job. Without it, the output alone is all that there is.
   */
  readonly reuse?: (tx: Transaction, earlier: { readonly jobId: string; readonly output: Output }) => Effect.Effect<boolean>
}

export interface FinishedJob<Options> {
  readonly jobId: string
  readonly trackId: string | null
  readonly options: Options
  readonly status: TerminalStatus
}

export interface JobKindDefinition<Options> {
  readonly kind: JobKind
  readonly options: Schema.Codec<Options, unknown>
  /** In order. Names are unique within a kind. */
  // oxlint-disable-next-line typescript/no-explicit-any -- outputs differ from stage to stage; `StageRun.output` gives each its type back
  readonly stages: ReadonlyArray<StageDefinition<Options, any>>
  /** Whether its jobs are about a track: once that is deleted, there is nothing to try again. */
  readonly needsTrack?: true
  /** Part of the transaction in which an ended job is submitted once more as a new one. */
  readonly onRetried?: (tx: Transaction, job: { readonly jobId: string; readonly trackId: string | null }) => Effect.Effect<void>
  /** Part of the transaction in which work on the job begins, each time it does. */
  readonly onStarted?: (tx: Transaction, job: { readonly jobId: string; readonly trackId: string | null }) => Effect.Effect<void>
  /** Part of the transaction in which the job ends: brings its track to rest and takes back what is half done. */
  readonly onFinished?: (tx: Transaction, job: FinishedJob<Options>) => Effect.Effect<void>
}

// oxlint-disable-next-line typescript/no-explicit-any -- each kind has its own options; they are decoded by its schema before use
export type AnyJobKind = JobKindDefinition<any>

/** All kinds that this process can run. */
export class JobKinds extends Context.Service<JobKinds, ReadonlyMap<JobKind, AnyJobKind>>()("playhead/jobs/JobKinds") {}
