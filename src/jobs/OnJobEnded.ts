/** The port through which others learn of the end of any job, of whatever kind. */
import { Context, type Effect } from "effect"
import type { Failure } from "../domain/errorCatalog.ts"
import type { JobKind } from "../domain/Job.ts"
import type { Transaction } from "../persistence/Database.ts"

export type Ending =
  | { readonly status: "SUCCEEDED" }
  | { readonly status: "CANCELLED" }
  | { readonly status: "FAILED"; readonly failure: Failure }

export interface EndedJob {
  readonly jobId: string
  readonly kind: JobKind
  /** Null once the track was deleted. */
  readonly trackId: string | null
  readonly degraded: boolean
  readonly createdAt: Date
  /** By the database's clock. */
  readonly endedAt: Date
  readonly ending: Ending
}

/** Part of the transaction in which a job ends: what it writes is there when the job has ended, and only then. */
export type TellOfEnd = (tx: Transaction, job: EndedJob) => Effect.Effect<void>

/** All who are told, in order. App registers them; without any, jobs end all the same. */
export const OnJobEnded = Context.Reference<ReadonlyArray<TellOfEnd>>("playhead/jobs/OnJobEnded", { defaultValue: () => [] })
